"""uvicorn's HTTP protocol with an end to its patience: headers come within their time and size, or the line closes.

It holds half-sent headers open for as long as the client likes, and as many of them; no layer above it can know.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
HEADER_BYTES = 64 * 1024


class PatientProtocol(HttpToolsProtocol):
    _deadline: asyncio.TimerHandle | None = None
    _unread = 0
    """Bytes that came since the last complete headers."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        if self._deadline is not None:
            self._unread += len(data)
            if self._unread > HEADER_BYTES + len(data):
                self._give_up()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        self._unread = 0
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self.transport.close()
