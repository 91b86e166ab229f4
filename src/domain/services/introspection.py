from dataclasses import dataclass
from datetime import datetime

from domain.errors import Unauthenticated
from domain.model.actors import Actor, ActorKind, Origin
from domain.model.permissions import TokenPermission
from domain.ports.security import AccessTokens, RefreshTokens
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.access import AccessService

_PRESENTED = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """A token that is good now. *scope* is what its bearer may do: of a key its scopes, of a person their permissions.

    *kind* is ``access_token``, ``refresh_token`` or ``api_key``; *expires_at* is None for what has no end.
    """

    kind: str
    actor: Actor
    scope: tuple[str, ...]
    expires_at: datetime | None


class IntrospectionService:
    """What a token is worth, for those who are handed one (RFC 7662)."""

    def __init__(
        self,
        *,
        access: AccessService,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        uow: UnitOfWorkFactory,
        clock: Clock,
    ) -> None:
        self._access = access
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._uow = uow
        self._clock = clock

    async def introspect(self, actor: Actor, token: str) -> Introspection | None:
        """None for whatever is not good now, whyever. Raises PermissionDenied, Unavailable."""
        actor.require(TokenPermission.INTROSPECT)
        if (digest := self._refresh_tokens.digest(token)) is not None:
            return await self._refresh_token(digest)
        try:
            bearer = await self._access.authenticate(token, _PRESENTED)
        except Unauthenticated:
            return None
        if bearer.kind is ActorKind.KEY:
            return Introspection(
                kind="api_key", actor=bearer, scope=tuple(sorted(bearer.scopes)), expires_at=bearer.expires_at
            )
        claims = self._access_tokens.read(token)
        return Introspection(
            kind="access_token",
            actor=bearer,
            scope=tuple(sorted(bearer.permissions)),
            expires_at=None if claims is None else claims.expires_at,
        )

    async def _refresh_token(self, digest: bytes) -> Introspection | None:
        now = self._clock.now()
        async with self._uow.reading() as work:
            token = await work.sessions.find_refresh_token(digest)
            if token is None or token.spent_at is not None:
                return None
            session = await work.sessions.get(token.session_id)
            user = await work.users.get(session.user_id)
        if not (user.is_active and session.is_live(now=now)):
            return None
        bearer = Actor(kind=ActorKind.USER, permissions=frozenset(), user_id=session.user_id, session_id=session.id)
        ends = min(session.idle_ends_at, session.ends_at)
        return Introspection(kind="refresh_token", actor=bearer, scope=(), expires_at=ends)
