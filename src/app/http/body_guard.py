"""A request body under guard: its size, its time, its encoding; built only where a body is announced.

What the headers alone condemn is raised by the door once it has let the caller in (``scope["state"]["body_refusal"]``),
whether the route reads a body or not, and by whoever asks for the body. A body that nobody asks for is ignored.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from litestar.types import Receive
from litestar.types.asgi_types import HTTPReceiveMessage, HTTPRequestEvent

from app.http.errors import BodyTooLarge, BodyTooSlow, MalformedRequest, Refusal, UnsupportedMediaType

MAX_BODY = 1024 * 1024
MAX_DISCARDED = 4 * MAX_BODY
DISCARD_SECONDS = 0.5


def length_in(headers: Mapping[bytes, bytes]) -> int:
    """The announced length in bytes, 0 where none is. Raises MalformedRequest."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 18:
        raise MalformedRequest("Content-Length is a number of bytes")
    return int(length)


def refusal_in(headers: Mapping[bytes, bytes], length: int) -> Refusal | None:
    """What is wrong with the body by its headers alone."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return UnsupportedMediaType("a body is sent without a content encoding")
    return BodyTooLarge() if length > MAX_BODY else None


class GuardedBody:
    """``receive`` for a request that has a body, all of it due within *seconds* from now, unless it has *arrived*."""

    __slots__ = ("_arrived", "_deadline", "_discardable", "_receive", "_received", "complete", "refusal")

    def __init__(
        self, receive: Receive, headers: Mapping[bytes, bytes], seconds: float, *, arrived: bool = False
    ) -> None:
        length = length_in(headers)
        self.complete = False
        self.refusal = refusal_in(headers, length)
        self._receive = receive
        self._received = 0
        self._arrived = arrived
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._discardable = b"expect" not in headers and length <= MAX_DISCARDED

    async def receive(self) -> HTTPReceiveMessage:
        if self.complete:
            return await self._receive()  # type: ignore[return-value]  # an http scope receives http messages
        if self.refusal:
            raise self.refusal
        message: Any = await (self._receive() if self._arrived else self._in_time())
        if message["type"] != "http.request":
            raise MalformedRequest("the body ended before it was complete")
        self._count(message)
        if self._received > MAX_BODY:
            raise BodyTooLarge
        return cast(HTTPReceiveMessage, message)

    async def _in_time(self) -> Any:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None

    def _count(self, message: HTTPRequestEvent) -> None:
        self._received += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)

    async def discard(self) -> None:
        """Read on past an early answer, within bounds: closing on unread bytes would reset the answer away."""
        if not self._discardable:
            return
        patience = asyncio.get_running_loop().time() + DISCARD_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(patience, self._deadline)):
                while not self.complete and self._received <= MAX_DISCARDED:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        return
                    self._count(message)
