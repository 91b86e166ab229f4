"""uvicorn's HTTP protocol with an end to its patience, and our own words for what is no request.

It holds half-sent headers open for as long as the client likes, and as many of them; no layer above it can know. What
it cannot parse it refuses by itself, as plain text and without a header of ours.
"""

import asyncio
import re
import sys
from functools import partial
from typing import Any, cast

from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.heads import send
from app.http.edge import Application
from app.http.errors import HeadersTooLarge, HeadersTooSlow, MalformedRequest, MethodNotAllowed

HEADER_SECONDS = 10.0
HEADER_BYTES = 64 * 1024
LAST_SECONDS = 1.0
"""For the client to read why: a line that is closed on what it still sends would take the answer with it."""

REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [!-~]+ HTTP/1\.[01]\r?\n")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class PatientProtocol(HttpToolsProtocol):
    """It serves an ``Application`` as it is: uvicorn's own layers, such as ``proxy_headers``, are off."""

    _deadline: asyncio.TimerHandle | None = None
    _unread = 0
    """Bytes that came since the last complete headers."""
    _chunk = b""
    _refused = False
    _ends = False
    """Whether the worker goes: what comes now is answered, and nothing after it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        if self._deadline is not None:
            if self._unread > HEADER_BYTES:  # this chunk is let pass: it may end the headers and begin the body
                self._refuse(HeadersTooLarge())
                return
            self._unread += len(data)
        self._chunk = data
        super().data_received(data)
        self._chunk = b""

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()
        if self._ends and self.cycle is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """uvicorn would hang up on whoever has come a moment ago and whose request is still on its way."""
        if self.cycle is None or (self._deadline is not None and self._unread):
            self._ends = True
            self.loop.call_later(LAST_SECONDS, self._hang_up)
        else:
            super().shutdown()

    def _hang_up(self) -> None:
        if self._deadline is not None:  # nobody has asked for anything since
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        def begin(scope: Any, receive: Any, _: Any) -> Any:
            scope["state"]["arrived"] = not cycle.more_body
            return app(scope, receive, partial(send, cycle))

        super()._start_asgi_task(cycle, begin)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when it cannot parse; a request line with a method of nobody's it cannot parse either."""
        unheard_of = isinstance(sys.exception(), HttpParserInvalidMethodError) and REQUEST_LINE.match(self._chunk)
        self._refuse(MethodNotAllowed(METHODS) if unheard_of else MalformedRequest("this is no HTTP/1.1 request"))

    def _await_headers(self) -> None:
        self._unread = 0
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self._unread:
            self._refuse(HeadersTooSlow())
        else:
            self.transport.close()

    def _refuse(self, refusal: Exception) -> None:
        """Read no more and end the line: after the answer to a request that was whole, else by saying why."""
        self._refused = True
        self._stop_waiting()
        served = None if self.cycle is None or self.cycle.response_complete else self.cycle
        if served and not served.more_body:
            served.keep_alive = False
        elif served and served.response_started:
            self.transport.close()
        else:
            if served:
                served.disconnected = True
                served.message_event.set()
            self._say_why(refusal)

    def _say_why(self, refusal: Exception) -> None:
        status, fields, body = cast(Application, self.app).refuse(refusal)
        fields = [*self.server_state.default_headers, *fields, (b"connection", b"close")]
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.write_eof()
        self.loop.call_later(LAST_SECONDS, self.transport.close)
