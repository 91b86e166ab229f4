"""Who gets in where: each route names its door, and this middleware stands in it.

``@get("/", opt=user_or_key(ProjectPermission.READ))``: the door authenticates, asks for the permissions and counts
the call, and leaves the actor as ``request.user``; the services ask again. Only then does it tell what is wrong with
the query, which it leaves in ``scope["state"]["query"]``, and with the body by its headers; nothing has read the body
so far. A route that names no door stops the application when it starts; so does a scope that does not exist.

*Why one ASGI middleware.* A guard copies its handler for each request and costs 30 µs; this costs 5. Patterns that
exempt paths (``exclude=``) are never used: the mark is on the route itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from app.http.cookies import CookieJar, hint_in
from app.http.credentials import credential_in, require_bearer
from app.http.csrf import SAFE, doubled_token, require_same_origin
from app.http.errors import CsrfFailed
from app.http.forms import query_of
from app.http.idempotency import Repeatable, again, whole
from app.http.notices import counted, retiring
from app.http.origins import origin_of
from app.http.waiting import prefers_to_wait, waiting
from app.settings import Secret
from domain.errors import (
    CredentialKindNotAllowed,
    Forbidden,
    InvalidCredential,
    PermissionDenied,
    Unauthenticated,
)
from domain.model.actors import Actor, ActorKind, Origin
from domain.model.webhooks import Signed
from domain.services.access import AccessService
from domain.services.idempotency import IdempotencyService
from domain.services.webhooks import WebhookService

ActorRequest = Request[Actor, None, State]
"""A request that came through a door: its ``user`` is the actor."""

SignedRequest = Request[Signed, None, State]
"""One that came through the door `signed`: its ``user`` is what the signature proves."""


class Door(StrEnum):
    PUBLIC = "public"
    SESSION = "session"
    USER = "user"
    KEY = "key"
    USER_OR_KEY = "user or key"
    SIGNED = "signed"
    OPERATOR = "operator"


_KINDS: dict[Door, tuple[ActorKind, ...]] = {
    Door.SESSION: (ActorKind.USER,),
    Door.USER: (ActorKind.USER,),
    Door.KEY: (ActorKind.KEY,),
    Door.USER_OR_KEY: (ActorKind.KEY, ActorKind.USER),
}
_UNMARKED: dict[str, Any] = {"limited": True, "same_origin": False, "while_restricted": False, "any_of": ()}


def public(*, limited: bool = True, same_origin: bool = False) -> dict[str, Any]:
    """Anyone; credentials are ignored. Counted by address unless *limited* is false.

    With *same_origin* a browser must not have been sent by a page of somebody else's.
    """
    return _marks(Door.PUBLIC, limited=limited, same_origin=same_origin)


def session(*permissions: str, same_origin: bool = False) -> dict[str, Any]:
    """A person with a session cookie who may do all of *permissions*.

    With *same_origin* not even a safe request may be sent by a page of somebody else's.
    """
    return _marks(Door.SESSION, permissions, same_origin=same_origin)


def user(*permissions: str, while_restricted: bool = False) -> dict[str, Any]:
    """A person with an access token or a session cookie who may do all of *permissions*.

    *while_restricted* lets in who must change their password before anything else.
    """
    return _marks(Door.USER, permissions, while_restricted=while_restricted)


def key(*permissions: str) -> dict[str, Any]:
    """A machine with an API key that may do all of *permissions*."""
    return _marks(Door.KEY, permissions)


def user_or_key(*permissions: str, any_of: tuple[str, ...] = ()) -> dict[str, Any]:
    """Either, who may do all of *permissions* and, where *any_of* is given, one of those at least."""
    return _marks(Door.USER_OR_KEY, permissions, any_of=any_of)


def signed(source: str | None = None) -> dict[str, Any]:
    """Whoever signs the body with a secret of *source*, or else of what the path calls ``{source}``."""
    return _marks(Door.SIGNED, source=source)


def operator(token: Secret) -> dict[str, Any]:
    """Whoever runs the service, and presents *token* as a bearer."""
    return _marks(Door.OPERATOR, token=token, limited=False)


def revoking(*, itself: bool = False) -> dict[str, Any]:
    """Beside a door: what this route ends, it ends everywhere before it answers, if the caller prefers to wait.

    With *itself* the credential that calls is what ends: a suspended key may call, and from any network.
    """
    return {"revoking": True, "ends_itself": itself}


def _marks(door: Door, permissions: tuple[str, ...] = (), **marks: Any) -> dict[str, Any]:
    """All that any door is told, so that nothing is left of the door of a group that a route overrides."""
    return {**_UNMARKED, "door": door, "kinds": _KINDS.get(door, ()), "permissions": permissions, **marks}


class Doors:
    """*access* decides who is calling; the edge outside has already found the address and the request id."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: AccessService,
        idempotency: IdempotencyService,
        webhooks: WebhookService,
        jar: CookieJar,
        public_url: str,
    ) -> None:
        self._app = app
        self._once = Repeatable(app, idempotency)
        self._access = access
        self._webhooks = webhooks
        self._session_name = jar.session_name
        self._csrf_name = jar.csrf_name
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        opt = scope["route_handler"].opt
        door = opt.get("door", Door.PUBLIC)  # an automatic OPTIONS handler has no opt
        state = scope["state"]
        if opt.get("same_origin"):
            require_same_origin(dict(scope["headers"]), self._public_url)
        if door is Door.PUBLIC:
            if opt.get("limited"):
                counted(state, await self._access.admit_anonymous(origin_of(scope), opt.get("shared", ())))
        elif not opt["kinds"]:
            receive = await self._without_actor(scope, receive, opt)
        else:
            state["no_store"] = True
            actor = await self._entrant(scope, opt)
            counted(state, await self._access.admit(actor, opt.get("shared", ())))
            if not self._access.is_current(actor):  # counting took its time
                actor = await self._entrant(scope, opt)
            scope["user"] = actor
        if scope["query_string"]:
            state["query"] = query_of(scope, allowed=_names(opt))
        if state.get("body_refusal"):
            raise state["body_refusal"]
        if opt.get("revoking") and prefers_to_wait(scope["headers"], self._access.max_staleness):
            send = waiting(send, self._access.settle)
        await (self._once if opt.get("repeatable") else self._app)(scope, receive, send)

    async def _without_actor(self, scope: Scope, receive: Receive, opt: Mapping[str, Any]) -> Receive:
        """Who guesses at the operator's token is counted as a stranger."""
        scope["state"]["no_store"] = True
        if opt["door"] is Door.SIGNED:
            return await self._proved(scope, receive, opt)
        try:
            require_bearer(scope["headers"], self._session_name, opt["token"])
        except Unauthenticated:
            counted(scope["state"], await self._access.admit_anonymous(origin_of(scope)))
            raise
        return receive

    async def _proved(self, scope: Scope, receive: Receive, opt: Mapping[str, Any]) -> Receive:
        """The body anew, once its signature is good. Whoever sends it is counted as a stranger, before it is read."""
        counted(scope["state"], await self._access.admit_anonymous(origin_of(scope), opt.get("shared", ())))
        source = opt["source"] or scope["path_params"]["source"]
        self._webhooks.require_known(source)
        body = await whole(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope["user"] = self._webhooks.prove(source, headers, body)
        return again(body, receive)

    async def _entrant(self, scope: Scope, opt: Mapping[str, Any]) -> Actor:
        """Who calls, if they may come through here."""
        actor, by_cookie = await self._caller(scope)
        if actor.retirement is not None:
            scope["state"].setdefault("headers", retiring(actor.retirement))
        try:
            if actor.kind not in opt["kinds"] or (opt["door"] is Door.SESSION and not by_cookie):
                raise CredentialKindNotAllowed
            if not opt.get("while_restricted"):
                actor.require(*opt["permissions"])
            if (any_of := opt.get("any_of")) and actor.permissions.isdisjoint(any_of):
                raise PermissionDenied(any_of)
        except Forbidden:
            scope["user"] = actor  # for whoever writes down who was refused
            raise
        return actor

    async def _caller(self, scope: Scope) -> tuple[Actor, bool]:
        """Who presents a good credential, and whether that is a cookie.

        Whoever does not is counted as a stranger: guesses are few a minute.
        """
        origin = origin_of(scope)
        try:
            credential, name = credential_in(scope["headers"], self._session_name)
            if name == b"cookie":
                return await self._by_cookie(scope, credential, origin), True
            ends_itself = scope["route_handler"].opt.get("ends_itself")
            authenticate = self._access.authenticate_to_revoke if ends_itself else self._access.authenticate
            actor = await authenticate(credential, origin)
            if name == b"x-api-key" and actor.kind is not ActorKind.KEY:
                raise InvalidCredential
        except Unauthenticated:
            counted(scope["state"], await self._access.admit_anonymous(origin))
            raise
        return actor, False

    async def _by_cookie(self, scope: Scope, cookie: str, origin: Origin) -> Actor:
        """A browser sends cookies whoever tells it to: what changes something must come from a page of ours."""
        actor = await self._access.authenticate_cookie(cookie, origin)
        is_safe = scope["type"] != ScopeType.HTTP or scope["method"] in SAFE
        if not is_safe or scope["route_handler"].opt.get("same_origin"):
            headers = dict(scope["headers"])
            require_same_origin(headers, self._public_url)
            if not is_safe:
                token = doubled_token(headers, hint_in(scope["headers"], self._csrf_name))
                if not self._access.is_csrf_token(token, cookie):
                    raise CsrfFailed
        return actor


def _names(opt: Mapping[str, Any]) -> dict[str, None] | None:
    """What a query may hold; None where somebody else writes it, and may add to it."""
    return None if opt.get("open_query") else dict.fromkeys(p["name"] for p in opt.get("parameters", ()))
