"""``Idempotency-Key``: what creates or rotates is done once, and its first answer told again.

A route says ``opt=user_or_key(…) | repeatable()``, and its handler passes ``once=once(request, answer)`` to the use
case, where *answer* makes the response of the result; the use case keeps it in the unit of work of the effect. A route
whose handler does not is kept right after it was done: a crash between the two would then do it again.

The key is claimed when the body has arrived and before anybody reads it, so what is wrong with a body is an answer as
every other. An answer is kept as its handler gave it: the doors and the edge say theirs anew each time.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request, Response
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from app.http.errors import MalformedRequest
from domain.errors import Invalid, Unavailable
from domain.model.idempotency import Answer
from domain.ports.unit_of_work import UnitOfWork
from domain.services.idempotency import REPEATEDLY, Claim, IdempotencyService, Once, Replay

T = TypeVar("T")

_KEY = re.compile(rb"[!-~]{1,255}")
_REPLAYED = (b"idempotency-replayed", b"true")
_TOO_MANY = 429
_FAILED = 500


def repeatable(*, secret: bool = False) -> dict[str, Any]:
    """Beside a door: with an ``Idempotency-Key`` this is done once. With *secret* its answer holds what it made."""
    return {"repeatable": True, "answers_secret": secret}


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A whole answer, as it is kept."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def is_kept(self) -> bool:
        return self.status < _FAILED and self.status != _TOO_MANY

    def answer(self, *, secret: bool) -> Answer:
        return Answer(msgspec.msgpack.encode(self), is_secret=secret and self.status < 300)

    async def send(self, send: Send, *also: tuple[bytes, bytes]) -> None:
        headers = [*self.headers, *also]
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": self.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Listener:
    """Stands where the network would, and hears an answer out."""

    def __init__(self) -> None:
        self._status = _FAILED
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], tuple(message["headers"])
        elif message["type"] == "http.response.body":
            self._body += message["body"]

    @property
    def told(self) -> Told:
        return Told(self._status, self._headers, self._body)


class Repeatable:
    """*app* for who sends an ``Idempotency-Key``, once a door has let them in; for who does not, nothing but *app*."""

    def __init__(self, app: ASGIApp, idempotency: IdempotencyService) -> None:
        self._app = app
        self._idempotency = idempotency

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if (key := key_in(scope["headers"])) is None:
            await self._app(scope, receive, send)
            return
        body = await whole(receive)
        path = scope["path"].rstrip("/")
        begun = await self._idempotency.begin(scope["user"], key, operation=f"{scope['method']} {path}", body=body)
        if isinstance(begun, Replay):
            told = msgspec.msgpack.decode(begun.content, type=Told)
            await told.send(send, _REPLAYED)
        else:
            told = await self._done(begun, scope, again(body, receive))
            await told.send(send)

    async def _done(self, claim: Claim, scope: Scope, receive: Receive) -> Told:
        """Who is cancelled meanwhile leaves the claim to run out, for the effect may still come."""
        scope["state"]["claim"], listener = claim, Listener()
        try:
            await self._app(scope, receive, listener.send)
        except Exception:
            await _release(claim)
            raise
        told = listener.told
        if told.is_kept:
            await claim.settle(told.answer(secret=scope["route_handler"].opt["answers_secret"]))
        else:
            await _release(claim)
        return told


async def _release(claim: Claim) -> None:
    """If it cannot be done, it runs out."""
    with suppress(Unavailable):
        await claim.release()


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Raises Invalid."""
    sent = [value for name, value in headers if name == b"idempotency-key"]
    if not sent:
        return None
    if len(sent) > 1 or _KEY.fullmatch(sent[0]) is None:
        raise Invalid("Idempotency-Key", "is one key of 1 to 255 visible ASCII characters")
    return sent[0].decode()


async def whole(receive: Receive) -> bytes:
    """The body to its end, within the bounds that the edge sets. Raises MalformedRequest where the caller is gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise MalformedRequest("the body ended before it was complete")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """*receive* as it was before *body* was read."""
    unread = [body]

    async def receive_again() -> Any:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return receive_again


def once(request: Request[Any, Any, Any], answer: Callable[[T], Response[Any]]) -> Once[T]:
    """What the use case keeps, where the caller sent a key: the *answer* to its result."""
    claim = request.scope["state"].get("claim")
    return REPEATEDLY if claim is None else _Kept(claim, request, answer)


class _Kept(Generic[T]):
    def __init__(self, claim: Claim, request: Request[Any, Any, Any], answer: Callable[[T], Response[Any]]) -> None:
        self._claim = claim
        self._request = request
        self._answer = answer

    async def keep(self, work: UnitOfWork, result: T) -> None:
        await self._claim.keep(work, await self._told(result))

    async def draft(self, work: UnitOfWork, result: T) -> None:
        await self._claim.draft(work, await self._told(result))

    async def _told(self, result: T) -> Answer:
        """As the framework will tell it once the handler returns; should it not, `Claim.settle` has the last word."""
        request, handler, listener = self._request, self._request.route_handler, Listener()
        respond = self._answer(result).to_asgi_response(None, request, status_code=handler.status_code)
        await respond(request.scope, request.receive, listener.send)
        return listener.told.answer(secret=handler.opt["answers_secret"])
