"""The one layer round the router: what holds for every answer, 404, 405, ``HEAD`` and ``TRACE`` included.

It writes into ``scope["state"]``: ``request_id`` (str), ``address`` (str | None), ``answering``, the status, once an
answer has begun, ``refused``, the code of a problem that it answers and, where a body was announced, ``body_refusal``:
what its headers alone condemn it for, for the door to raise, or None. It reads ``arrived``, by which a server says that
it holds the whole body, ``no_store``, which the door sets on
whatever is not public, and ``headers``, what the door has to say beside the answer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

from app.http.addresses import Proxies, canonical
from app.http.answers import POLICY, Answer, Headers, encoded_problem
from app.http.body_guard import GuardedBody
from app.http.errors import HeadersTooLarge, HostNotAllowed, MalformedRequest, UrlTooLong
from app.http.forms import percent_decoded
from app.http.problems import methods_in
from app.http.routing import Door, Routing
from domain.errors import NotFound

Field = tuple[bytes, bytes]
MethodsOf = Callable[[str], tuple[str, ...]]
"""The methods that a path takes, ``HEAD`` and ``OPTIONS`` included; raises ``NotFound``."""

MAX_URL = 8 * 1024
MAX_HEADERS = 32 * 1024
MAX_FIELDS = 100
BODY_SECONDS = 15.0
SPECIAL = frozenset({"HEAD", "OPTIONS"})
FOUND = frozenset({"route_handler", "path_template", "user"})
FOR_ANY_HOST = frozenset({"/health/live", "/health/ready"})
PLAIN_PATH = re.compile(rb"(?:/[0-9A-Za-z_-][0-9A-Za-z._-]*)*+/?")
"""One that `require_plain` has nothing against."""

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Application(Litestar):
    """Litestar inside an ``Edge``; its command line and its test client see no difference.

    What fails outside a handler, in routing or at a door, is answered by the edge.
    """

    def __init__(self, *args: Any, edge: Callable[..., "Edge"], door: Door, **options: Any) -> None:
        self._edge = edge
        self._door = door
        super().__init__(*args, **options)

    def refuse(self, error: Exception) -> tuple[int, list[Field], bytes]:
        """Status, headers and body for what never became a request, such as broken HTTP."""
        return cast(Edge, self.asgi_handler).refuse(error)

    def _create_asgi_handler(self) -> ASGIApp:
        return self._edge(Routing(self.asgi_router, self._door), methods_of=self._methods_of)

    def _methods_of(self, path: str) -> tuple[str, ...]:
        """Every route has ``OPTIONS``: is the path there? None has ``*``: its refusal names the others."""
        path = path.rstrip("/") or "/"
        try:
            self.asgi_router.handle_routing(path=path, method="OPTIONS")
            self.asgi_router.handle_routing(path=path, method="*")
        except NotFoundException:
            raise NotFound from None
        except MethodNotAllowedException as refusal:
            return methods_in(refusal)
        return ()


class Edge:
    """*allowed_hosts* are names without port, ``*`` any; *trusted_proxies* CIDR; *cors_origins* exact."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        methods_of: MethodsOf,
        new_id: Callable[[], str],
        allowed_hosts: Iterable[str],
        trusted_proxies: Iterable[str] = (),
        cors_origins: Iterable[str] = (),
        https: bool = False,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._methods_of = methods_of
        self._new_id = new_id
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._proxies = Proxies(trusted_proxies)
        self._trusts_somebody = bool(self._proxies)
        self._headers = Headers(cors_origins=cors_origins, https=https)
        self._body_seconds = body_seconds
        self._is_ours = lru_cache(1024)(self._matches)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1008, "reason": "nothing here speaks WebSocket"})
            return
        fields: list[Field] = scope["headers"]  # type: ignore[assignment]  # servers send a list
        headers, state = dict(fields), scope["state"]
        sent_id = headers.get(b"x-request-id")
        state["request_id"] = request_id = self._new_id() if sent_id is None else self._request_id(sent_id)
        state["address"] = self._address(scope.get("client"), fields)
        answer = Answer(send, state, self._headers, request_id, headers.get(b"origin"))
        try:
            self._require_fit(scope, fields, headers)
            if b"content-length" in headers or b"transfer-encoding" in headers:
                receive = self._guard(receive, headers, answer, state)
            if scope["method"] in SPECIAL:
                await self._special(scope, receive, answer, headers)
            else:
                await self._app(scope, receive, answer.send)
        except Exception as error:  # the last resort: whatever comes, the caller gets a problem
            await answer.fail(error, instance=scope["path"])

    def refuse(self, error: Exception) -> tuple[int, list[Field], bytes]:
        request_id = self._new_id()
        status, fields, body = encoded_problem(error, instance="", request_id=request_id)
        return status, [*fields, (b"x-request-id", request_id.encode()), *self._headers.security, POLICY], body

    async def _special(self, scope: Any, receive: Receive, answer: Answer, headers: Mapping[bytes, bytes]) -> None:
        """``HEAD`` runs as ``GET`` in a scope of its own: the server looks at the method of the one it made."""
        if scope["method"] == "OPTIONS":
            await answer.options(self._methods_of(scope["path"]), headers)
        else:
            answer.bodiless = True
            as_get: Any = {**scope, "method": "GET"}
            try:
                await self._app(as_get, receive, answer.send)
            finally:
                scope.update({name: as_get[name] for name in FOUND & as_get.keys()})

    def _guard(
        self, receive: Receive, headers: Mapping[bytes, bytes], answer: Answer, state: dict[str, Any]
    ) -> Receive:
        if headers.get(b"content-length") == b"0":
            return receive
        answer.body = body = GuardedBody(receive, headers, self._body_seconds, arrived=state.get("arrived", False))
        state["body_refusal"] = body.refusal
        return body.receive

    def _request_id(self, sent: bytes) -> str:
        return sent.decode() if REQUEST_ID.fullmatch(sent) else self._new_id()

    def _address(self, client: tuple[str, int] | None, fields: list[Field]) -> str | None:
        peer = canonical(client[0]) if client else None
        if not self._trusts_somebody:
            return peer
        return self._proxies.client(peer, [value for name, value in fields if name == b"x-forwarded-for"])

    def _require_fit(self, scope: Any, fields: list[Field], headers: Mapping[bytes, bytes]) -> None:
        count = len(fields)
        if count > MAX_FIELDS or sum([len(name) + len(value) for name, value in fields]) + 4 * count > MAX_HEADERS:
            raise HeadersTooLarge
        if len(headers) != count and [name for name, _ in fields].count(b"host") > 1:
            raise HostNotAllowed("a request names one host")
        if not self._is_ours(headers.get(b"host", b"")) and scope["path"] not in FOR_ANY_HOST:
            raise HostNotAllowed
        require_url(scope["path"], scope.get("raw_path"), scope["query_string"])

    def _matches(self, host: bytes) -> bool:
        name, colon, port = host.lower().rpartition(b":")
        if not colon or port.endswith(b"]"):
            name, port = host.lower(), b"0"
        return port.isdigit() and (name in self._hosts or (b"*" in self._hosts and bool(name)))


def require_url(path: str, raw_path: bytes | None, query: bytes) -> None:
    """Paths are matched as they were sent, though the router would forgive ``//`` and an escaped slash."""
    raw = path.encode() if raw_path is None else raw_path
    if len(raw) + len(query) > MAX_URL:
        raise UrlTooLong
    if not PLAIN_PATH.fullmatch(raw):
        require_plain(path, raw.partition(b"?")[0])


def require_plain(path: str, raw: bytes) -> None:
    segments = path.split("/")[1:]
    empty = any(not segment for segment in segments[:-1])
    if empty or "." in segments or ".." in segments or b"%2f" in raw.lower() or not path.isprintable():
        raise NotFound
    try:
        percent_decoded(raw)
    except MalformedRequest:
        raise NotFound from None
