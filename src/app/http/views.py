"""How a view becomes an answer: encoded once, its headers in the form in which they travel.

*Why not the framework's own.* It makes ready for cookies, media types, type encoders and background tasks, and no view
has any of them: that took 30 µs of a request's 150. What does have them is a plain ``Response``, and goes its old way.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_BODILESS = frozenset({204, 304})
"""They have no body, and so no length of it (RFC 9110, 8.6)."""

JSON = (b"content-type", b"application/json")


class ViewResponse(Response[T], Generic[T]):
    """*content* is a Struct, or None for an answer without a body."""

    def __init__(
        self, content: T, *, status_code: int | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.headers = dict(headers or {})

    def to_asgi_response(
        self, app: Any, request: Request[Any, Any, Any], *, status_code: int | None = None, **_: Any
    ) -> ASGIResponse:
        return _Encoded(self.content, self.status_code or status_code or 200, self.headers)


class _Encoded(ASGIResponse):
    def __init__(self, content: Any, status: int, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self._fields, self.body = encoded(content, status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._fields})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


@lru_cache(1024)
def in_order(names: frozenset[str]) -> tuple[str, ...]:
    """As they are shown; sets of them are few, and are shown often."""
    return tuple(sorted(names))


def encoded(content: Any, status: int, headers: Mapping[str, str] | None) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The fields and the body of an answer."""
    body = b"" if content is None else _encode(content)
    fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()] if headers else []
    if body:
        fields += [JSON, (b"content-length", b"%d" % len(body))]
    elif status not in _BODILESS:
        fields.append((b"content-length", b"0"))
    return fields, body
