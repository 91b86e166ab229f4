"""Who gets in where: each route names its door, and this middleware stands in it.

``@get("/", opt=user_or_key(ProjectPermission.READ))``: the door authenticates, asks for the permissions and counts
the call, and leaves the actor as ``request.user``; the services ask again. Only then does it tell what is wrong with
the query, which it leaves in ``scope["state"]["query"]``, and with the body by its headers; nothing has read the body
so far. A route that names no door stops the application when it starts.

*Why one ASGI middleware.* A guard copies its handler for each request and costs 30 µs; this costs 5. Patterns that
exempt paths (``exclude=``) are never used: the mark is on the route itself.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from math import ceil
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from app.http.errors import MultipleCredentials
from app.http.forms import query_of
from domain.errors import CredentialKindNotAllowed, InvalidCredential, QuotaExceeded, Unauthenticated
from domain.model.actors import Actor, ActorKind, Origin
from domain.model.limits import Admission, Policy
from domain.services.access import AccessService

ActorRequest = Request[Actor, None, State]
"""A request that came through a door: its ``user`` is the actor."""


class Door(StrEnum):
    PUBLIC = "public"
    USER = "user"
    KEY = "key"
    USER_OR_KEY = "user or key"


_KINDS: dict[Door, tuple[ActorKind, ...]] = {
    Door.USER: (ActorKind.USER,),
    Door.KEY: (ActorKind.KEY,),
    Door.USER_OR_KEY: (ActorKind.KEY, ActorKind.USER),
}


def public(*, limited: bool = True) -> dict[str, Any]:
    """Anyone; credentials are ignored. Counted by address unless *limited* is false."""
    return {"door": Door.PUBLIC, "permissions": (), "limited": limited}


def user(*permissions: str) -> dict[str, Any]:
    """A person with an access token who may do all of *permissions*."""
    return _closed(Door.USER, permissions)


def key(*permissions: str) -> dict[str, Any]:
    """A machine with an API key that may do all of *permissions*."""
    return _closed(Door.KEY, permissions)


def user_or_key(*permissions: str) -> dict[str, Any]:
    return _closed(Door.USER_OR_KEY, permissions)


def _closed(door: Door, permissions: tuple[str, ...]) -> dict[str, Any]:
    return {"door": door, "kinds": _KINDS[door], "permissions": permissions, "limited": True}


class Doors:
    """*access* decides who is calling; the edge outside has already found the address and the request id."""

    def __init__(self, app: ASGIApp, access: AccessService) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        opt = scope["route_handler"].opt
        door = opt.get("door", Door.PUBLIC)  # an automatic OPTIONS handler has no opt
        state = scope["state"]
        if door is Door.PUBLIC:
            if opt.get("limited"):
                _counted(state, await self._access.admit_anonymous(origin_of(scope)))
        else:
            state["no_store"] = True
            actor = await self._caller(scope)
            if actor.kind not in opt["kinds"]:
                raise CredentialKindNotAllowed
            if permissions := opt["permissions"]:
                actor.require(*permissions)
            _counted(state, await self._access.admit(actor))
            scope["user"] = actor
        if scope["query_string"]:
            state["query"] = query_of(scope, allowed=frozenset(p["name"] for p in opt.get("parameters", ())))
        if state.get("body_refusal"):
            raise state["body_refusal"]
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Actor:
        """Who presents a good credential. Whoever does not is counted as a stranger: guesses are few a minute."""
        origin = origin_of(scope)
        try:
            credential, is_key = credential_in(scope["headers"])
            actor = await self._access.authenticate(credential, origin)
            if is_key and actor.kind is not ActorKind.KEY:
                raise InvalidCredential
        except Unauthenticated:
            _counted(scope["state"], await self._access.admit_anonymous(origin))
            raise
        return actor


def origin_of(scope: Scope) -> Origin:
    state = scope["state"]
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), None)
    return Origin(
        address=state.get("address"),
        request_id=state.get("request_id"),
        user_agent=None if agent is None else agent[:256].decode("latin-1"),
    )


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, bool]:
    """The one credential among *headers*, and whether it came as ``X-API-Key``, which is for keys.

    Raises Unauthenticated without any, MultipleCredentials with several, InvalidCredential for another scheme.
    """
    sent = [(name, value) for name, value in headers if name in (b"authorization", b"x-api-key")]
    if not sent:
        raise Unauthenticated
    if len(sent) > 1:
        raise MultipleCredentials
    name, value = sent[0]
    if name == b"authorization":
        scheme, _, value = value.partition(b" ")
        if scheme.lower() != b"bearer":
            raise InvalidCredential
    return value.strip().decode("latin-1"), name == b"x-api-key"


def _counted(state: dict[str, Any], admission: Admission) -> None:
    """Tell the caller what is left. Raises QuotaExceeded."""
    if not admission.allowances:
        return
    left = ", ".join([f"{_name(a.policy)};r={a.remaining};t={ceil(a.resets_in)}" for a in admission.allowances])
    policies = tuple([a.policy for a in admission.allowances])
    state["headers"] = ((b"ratelimit-policy", _policies(policies)), (b"ratelimit", left.encode()))
    if not admission.admitted:
        raise QuotaExceeded(admission.retry_after())


@lru_cache(256)
def _policies(policies: tuple[Policy, ...]) -> bytes:
    return ", ".join(f"{_name(policy)};q={policy.quota};w={policy.window}" for policy in policies).encode()


@lru_cache(256)
def _name(policy: Policy) -> str:
    return f'"{policy}"'


class UnmarkedRoute(RuntimeError):
    """A route without a door; it would have been open to anyone."""


def require_doors(app: Litestar) -> None:
    """Raises UnmarkedRoute naming every route of *app* that declares no door."""
    unmarked = [
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS" and not isinstance(handler.opt.get("door"), Door)
    ]
    if unmarked or any(not isinstance(route, HTTPRoute) for route in app.routes):
        raise UnmarkedRoute(f"no door on: {', '.join(unmarked) or 'a route that is not HTTP'}")
