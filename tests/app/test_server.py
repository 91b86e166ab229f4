"""Clients who take their time: headers come within it, or the line closes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn

from app import server as patient
from app.composition import assemble
from app.http.application import create_app
from tests.support.ports import memory_ports

SECONDS = 0.2


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(patient, "HEADER_SECONDS", SECONDS)
    app = create_app(assemble(memory_ports()))
    config = uvicorn.Config(app, port=0, http=patient.PatientProtocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def ended_after(port: int, *parts: bytes) -> tuple[float, bytes]:
    """Send *parts* one after the other; when the line closed, in seconds, and what came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = asyncio.get_running_loop().time()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.02)
    answer = b""
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):  # that is how a line ends on which something is unread
            answer = await reader.read()
    writer.close()
    return asyncio.get_running_loop().time() - began, answer


@pytest.mark.parametrize("parts", [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n")])
async def test_half_sent_headers_are_not_waited_for(port: int, parts: tuple[bytes, ...]) -> None:
    seconds, answer = await ended_after(port, *parts)
    assert (SECONDS * 0.9 <= seconds < SECONDS + 1, answer) == (True, b"")


async def test_a_drop_every_now_and_then_buys_no_time(port: int) -> None:
    seconds, _ = await ended_after(port, b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 8)
    assert seconds < SECONDS + 1


async def test_headers_without_end_are_cut_off_however_quick(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEADER_SECONDS", 60)
    _, answer = await ended_after(port, b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, b"X-A: b\r\n" * 10_000)
    assert answer == b""


async def test_whole_headers_are_answered_and_the_second_request_has_its_own_time(port: int) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for pause in (0, SECONDS * 1.5):
        await asyncio.sleep(pause)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
    writer.write(request[:20])
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
