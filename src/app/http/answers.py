"""What the edge adds to every answer: headers computed once, a request id, no body for ``HEAD``."""

from collections.abc import Iterable, Mapping
from typing import Any

from litestar.types import Message, Send

from app.http.body_guard import GuardedBody
from app.http.problems import PROBLEM_JSON, code_of, problem_answer

Field = tuple[bytes, bytes]

POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
NO_STORE = (b"cache-control", b"no-store")
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
SECURITY: tuple[Field, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
VARY = (b"vary", b"Origin")
EVERY_TIME = (*SECURITY, HSTS, VARY, POLICY, NO_STORE)
"""Fields that answers have in common."""

EXPOSED = (
    b"ETag, Location, X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, Deprecation, Sunset, "
    b"Idempotency-Replayed, Preference-Applied, WWW-Authenticate"
)
OWN = frozenset({POLICY[0], NO_STORE[0]})
"""What an answer may say otherwise."""

ACCEPTED = b"Authorization, Content-Type, X-API-Key, X-Request-ID, If-Match, If-None-Match, Idempotency-Key, Prefer"


class Headers:
    """Computed once for a service: security headers, and for each CORS origin, ``*`` being any, what it may see."""

    def __init__(self, *, cors_origins: Iterable[str], https: bool) -> None:
        self.security = (*SECURITY, HSTS) if https else SECURITY
        self._origins = {origin.encode(): self._cors(origin.encode()) for origin in cors_origins}
        self._foreign = self._origins.get(b"*") or self._every((VARY,) if self._origins else ())

    def allows(self, origin: bytes | None) -> bool:
        return origin in self._origins or b"*" in self._origins

    def of(self, origin: bytes | None, *, no_store: bool) -> tuple[Field, ...]:
        """What every answer to *origin* says."""
        return (self._origins.get(origin, self._foreign) if origin else self._foreign)[no_store]

    def _cors(self, origin: bytes) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        allowed = (b"access-control-allow-origin", origin)
        return self._every((VARY, allowed, (b"access-control-expose-headers", EXPOSED)))

    def _every(self, cors: tuple[Field, ...]) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
        """For answers that may be kept, and for those that may not."""
        common = (*self.security, *cors, POLICY)
        return common, (*common, NO_STORE)


def encoded_problem(error: Exception, *, instance: str, request_id: str) -> tuple[int, list[Field], bytes]:
    """Status, the headers of its own and body of the answer to *error*."""
    status, headers, body = problem_answer(error, instance=instance, request_id=request_id)
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    fields += [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    return status, fields, body


class Answer:
    """One answer on its way out. *state* is the request's: ``no_store`` and ``headers`` in it are honoured."""

    __slots__ = ("_headers", "_origin", "_send", "_state", "bodiless", "body", "request_id")

    def __init__(
        self, send: Send, state: dict[str, Any], headers: Headers, request_id: str, origin: bytes | None
    ) -> None:
        self._send = send
        self._state = state
        self._headers = headers
        self._origin = origin
        self.request_id = request_id
        self.bodiless = False
        self.body: GuardedBody | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._state["answering"] = message["status"]
            message["headers"] = self._complete(message["headers"])
            if self.body is not None and not self.body.complete:
                await self._end_body(self.body, message["headers"])
        elif self.bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)

    def _complete(self, headers: Iterable[Field]) -> list[Field]:
        """What *headers* say of themselves counts."""
        every = self._headers.of(self._origin, no_store=self._state.get("no_store", False))
        fields = [*headers, *self._state.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        said = OWN.intersection([name for name, _ in headers])
        fields.extend([field for field in every if field[0] not in said] if said else every)
        return fields

    @staticmethod
    async def _end_body(body: GuardedBody, headers: Any) -> None:
        await body.discard()
        if not body.complete and (b"connection", b"close") not in headers:
            headers.append((b"connection", b"close"))

    async def options(self, methods: tuple[str, ...], sent: Mapping[bytes, bytes]) -> None:
        """``Allow``, and to a page of an allowed origin what its preflight asks."""
        allow = ", ".join(methods).encode()
        fields = [(b"allow", allow)]
        if self._headers.allows(sent.get(b"origin")) and b"access-control-request-method" in sent:
            fields += [
                (b"access-control-allow-methods", allow),
                (b"access-control-allow-headers", ACCEPTED),
                (b"access-control-max-age", b"600"),
            ]
        await self._whole(204, fields, b"")

    async def fail(self, error: Exception, *, instance: str) -> None:
        """Answer *error* as a problem; once an answer has begun, only log: the server closes what stays unfinished."""
        status, fields, body = encoded_problem(error, instance=instance, request_id=self.request_id)
        if not self._state.get("answering"):
            self._state["refused"] = code_of(error)
            await self._whole(status, fields, body)

    async def _whole(self, status: int, fields: list[Field], body: bytes) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": fields})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})
