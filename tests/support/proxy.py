"""A line to a server that can be held: bytes wait on both sides, as before a machine that is frozen or cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes on until `hold`, then takes connections and bytes and lets nothing through until `go_on`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open = asyncio.Event()
        self._open.set()
        self._lines: set[asyncio.Task[None]] = set()

    def hold(self) -> None:
        self._open.clear()

    def cut(self) -> None:
        """As `hold`, and every line that is there breaks."""
        self.hold()
        for line in self._lines:
            line.cancel()

    def go_on(self) -> None:
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._open.wait()
            back, forth = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._pump(reader, forth), self._pump(back, writer))
        writer.transport.abort()
        self._lines.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open.wait()
                sink.write(data)
        finally:
            sink.close()

    async def end(self) -> None:
        self.cut()
        await asyncio.gather(*self._lines, return_exceptions=True)


@asynccontextmanager
async def proxied(address: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the PostgreSQL at *address*, and the address that leads through it."""
    parts = urlsplit(address)
    proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    try:
        yield proxy, parts._replace(netloc=f"{who}127.0.0.1:{port}").geturl()
    finally:
        server.close()
        await proxy.end()
