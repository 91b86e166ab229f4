from contextlib import suppress
from datetime import datetime, timedelta

from domain.errors import InvalidCredential, SessionNotFound, UserInactive
from domain.model.actors import Actor, Origin, anonymous
from domain.model.identities import LogoutClaims
from domain.model.ids import SessionId, UserId
from domain.model.mails import MailKind
from domain.model.permissions import UserPermission
from domain.model.scopes import Catalogue
from domain.model.sessions import RefreshToken, Session, SessionKind, Spending
from domain.ports.security import AccessTokens, MintedToken, RefreshTokens
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.issuing import SessionIssuer, SessionRules, Tokens, unspent
from domain.services.mails import Outbox
from domain.services.memberships import permissions_held
from domain.services.retries import settled

_SKEW = timedelta(seconds=60)
"""By how much a provider's clock may be behind ours when it says that somebody signed out."""


class SessionService:
    """What becomes of a session once it has begun."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        issuer: SessionIssuer,
        rules: SessionRules,
        catalogue: Catalogue,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._issuer = issuer
        self._rules = rules
        self._catalogue = catalogue
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    async def refresh(self, presented: str, origin: Origin) -> Tokens:
        """Spend *presented* for its successor.

        Asked again within the retry window by the same client, the same successor is handed out; any other
        second use ends the session, since one of two holders is a thief. Raises InvalidCredential.
        """
        digest = self._refresh_tokens.digest(presented)
        if digest is None:
            raise InvalidCredential
        successor = self._refresh_tokens.mint()
        sealed = self._refresh_tokens.seal(successor.plain, presented=presented)
        now = self._clock.now()
        spent = Spending(origin, successor.digest, sealed, now)
        session, plain = await settled(lambda: self._carried_on(presented, digest, spent, successor))
        if plain is None:
            raise InvalidCredential
        return self._issuer.tokens(session, plain, now=now)

    async def list_own(self, actor: Actor) -> tuple[Session, ...]:
        """The live ones, the newest first. Raises CredentialKindNotAllowed, PasswordChangeRequired."""
        user_id = actor.owner()
        async with self._uow.reading() as work:
            live = await work.sessions.list_live_by_user(user_id, now=self._clock.now())
        return live[::-1]

    async def end_own(self, actor: Actor, session_id: SessionId) -> None:
        """A dead one is not found. Raises CredentialKindNotAllowed, ForbiddenInImpersonation, SessionNotFound,
        EditConflict.
        """
        user_id = actor.settled_person()

        async def ended() -> None:
            async with self._uow() as work:
                session = await work.sessions.get(session_id)
                if session.user_id != user_id or not session.is_live(now=self._clock.now()):
                    raise SessionNotFound
                await self._issuer.end(work, actor, session)

        await settled(ended)

    async def end_others(self, actor: Actor) -> None:
        """All but the one that calls. Raises CredentialKindNotAllowed, ForbiddenInImpersonation."""
        user_id = actor.settled_person()
        async with self._uow() as work:
            count = await work.sessions.end_all(user_id, now=self._clock.now(), but=actor.session_id)
            await self._recorder.record(work, actor, "user.sessions_ended", user_id, {"count": count})

    async def sign_out(self, actor: Actor) -> None:
        """End the session that calls. Raises CredentialKindNotAllowed for a key or the system, EditConflict."""
        await self._end_by_id(actor, actor.own_session())

    async def end_from_provider(self, claims: LogoutClaims, origin: Origin) -> None:
        """End what came from a sign-in that is over at its provider, and had begun by then. Raises EditConflict."""
        async with self._uow.reading() as work:
            session_ids = await work.identities.list_sessions(
                claims.issuer, subject=claims.subject, session=claims.session
            )
        for session_id in session_ids:
            with suppress(SessionNotFound):
                async with self._uow.reading() as work:
                    session = await work.sessions.get(session_id)
                if session.created_at <= claims.issued_at + _SKEW:
                    await self._end_by_id(anonymous(origin, session.user_id), session_id)

    async def revoke(self, token: str, origin: Origin) -> None:
        """End the session of an access or refresh token, which proves itself (RFC 7009). Of any other, nothing.

        Raises Unavailable, EditConflict.
        """
        session_id = await self._session_of(token)
        if session_id is None:
            return
        with suppress(SessionNotFound):
            async with self._uow.reading() as work:
                session = await work.sessions.get(session_id)
            await self._end_by_id(anonymous(origin, session.user_id), session_id)

    async def impersonate(self, actor: Actor, user_id: UserId) -> Tokens:
        """Act as somebody else for a quarter of an hour, and as no more than either of the two may do.

        Raises PermissionDenied, ForbiddenInImpersonation, CredentialKindNotAllowed, UserNotFound, UserInactive,
        TargetExceedsActor.
        """
        actor.require(UserPermission.IMPERSONATE)
        real_user_id = actor.person()
        async with self._uow() as work:
            user = await work.users.lock(user_id)
            actor.require_covers(await permissions_held(work, self._catalogue, user_id))
            if not user.is_active:
                raise UserInactive
            session = await self._issuer.begin(work, actor, user, SessionKind.IMPERSONATION, real_user_id=real_user_id)
            await self._recorder.record(work, actor, "user.impersonated", user_id, {"session_id": str(session.id)})
        return self._issuer.tokens(session, now=session.created_at)

    async def _end_by_id(self, actor: Actor, session_id: SessionId) -> None:
        async def ended() -> None:
            async with self._uow() as work:
                session = await work.sessions.get(session_id)
                if session.is_live(now=self._clock.now()):
                    await self._issuer.end(work, actor, session)

        await settled(ended)

    async def _session_of(self, token: str) -> SessionId | None:
        if (claims := self._access_tokens.read(token)) is not None:
            return claims.session_id
        if (digest := self._refresh_tokens.digest(token)) is None:
            return None
        async with self._uow.reading() as work:
            kept = await work.sessions.find_refresh_token(digest)
        return None if kept is None else kept.session_id

    async def _carried_on(
        self, presented: str, digest: bytes, spending: Spending, successor: MintedToken
    ) -> tuple[Session, str | None]:
        """The session and the token that carries it on; None once it has been ended for a second use.

        The token is spent before the session is read: who loses that race waits for the winner, and then sees the
        session as the winner left it. The other way round, a thief who races the owner would go unnoticed.
        """
        now = spending.at
        async with self._uow() as work:
            token = await work.sessions.find_refresh_token(digest)
            if token is None:
                raise InvalidCredential
            first = await work.sessions.spend_refresh_token(token.spend(spending))
            session = await self._live(work, token, now)
            if first:
                await work.sessions.add_refresh_token(unspent(successor, session, now))
                seen = session.seen(lifetimes=self._rules.refresh, origin=spending.origin, now=now)
                return await work.sessions.save(seen), successor.plain
            plain = await self._again(work, digest, presented, spending.origin, now)
            if plain is None:
                await self._end_reused(work, session, spending.origin, now)
        return session, plain

    async def _live(self, work: UnitOfWork, token: RefreshToken, now: datetime) -> Session:
        session = await work.sessions.get(token.session_id)
        user = await work.users.get(session.user_id)
        if not (user.is_active and session.is_live(now=now)):
            raise InvalidCredential
        return session

    async def _again(
        self, work: UnitOfWork, digest: bytes, presented: str, origin: Origin, now: datetime
    ) -> str | None:
        """The successor handed out before, if this is an honest retry."""
        token = await work.sessions.find_refresh_token(digest)
        if token is None or token.sealed_successor is None or token.successor_digest is None:
            return None
        if not token.may_retry(origin=origin, window=self._rules.retry_window, now=now):
            return None
        successor = await work.sessions.find_refresh_token(token.successor_digest)
        if successor is None or successor.spent_at is not None:
            return None
        return self._refresh_tokens.unseal(token.sealed_successor, presented=presented)

    async def _end_reused(self, work: UnitOfWork, session: Session, origin: Origin, now: datetime) -> None:
        await work.sessions.save(session.end(now=now))
        actor = anonymous(origin, session.user_id)
        await self._recorder.record(work, actor, "session.reuse_detected", session.id)
        user = await work.users.get(session.user_id)
        await self._outbox.queue(work, MailKind.SESSION_REUSED, user.email, user_id=user.id)
