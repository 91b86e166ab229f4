from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from domain.errors import EditConflict, Invalid, InvalidCredential, Unavailable
from domain.model.actors import Origin, anonymous
from domain.model.ids import SessionId
from domain.model.passwords import Password, normalised
from domain.model.sessions import Lifetimes, RefreshToken, Session, SessionKind, Spending
from domain.model.users import User, email_address, username
from domain.ports.security import AccessClaims, AccessTokens, MintedToken, PasswordHasher, RefreshTokens
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.retries import settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a client is handed; *expires_in* is the access token's life in whole seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    password_grant: bool
    """Whether a password may be exchanged for tokens (RFC 9700 advises against it)."""
    access: timedelta
    refresh: Lifetimes
    retry_window: timedelta
    """How long a client that lost our answer may ask with the spent token again; zero is never."""


class SessionService:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        passwords: PasswordHasher,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        rules: TokenRules,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._rules = rules
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    @property
    def offers_password_grant(self) -> bool:
        return self._rules.password_grant

    async def sign_in(self, login: str, password: str, origin: Origin) -> Tokens:
        """*login* is an e-mail address or a user name.

        Raises InvalidCredential, alike and after the same work for an unknown name, a wrong password and an
        inactive user; Unavailable.
        """
        first = self._refresh_tokens.mint()
        user, session = await settled(lambda: self._signed_in(login, password, origin, first))
        await self._rehash(user, password)
        return self._tokens(session, first.plain, session.created_at)

    async def _signed_in(self, login: str, password: str, origin: Origin, first: MintedToken) -> tuple[User, Session]:
        """Raises EditConflict when the hash that was proved is no longer kept: a new password, or the old rehashed."""
        user = await self._proved(login, password)
        if user is None:
            await self._refuse(origin)
        now = self._clock.now()
        async with self._uow() as work:
            current = await work.users.get(user.id)
            if not current.is_active or current.password_hash != user.password_hash:
                raise EditConflict
            session = self._begun(user, origin, now)
            await work.sessions.add(session)
            await work.sessions.add_refresh_token(_unspent(first, session, now))
            await self._recorder.record(work, anonymous(origin, user.id), "user.signed_in", user.id)
        return user, session

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
        return self._tokens(session, plain, now)

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
                await work.sessions.add_refresh_token(_unspent(successor, session, now))
                seen = session.seen(lifetimes=self._rules.refresh, origin=spending.origin, now=now)
                return await work.sessions.save(seen), successor.plain
            plain = await self._again(work, digest, presented, spending.origin, now)
            if plain is None:
                await self._end_reused(work, session, spending.origin, now)
        return session, plain

    async def _proved(self, login: str, password: str) -> User | None:
        """The active user whose password this is. Always hashes once, so that the time tells nothing."""
        try:
            given: Password | None = normalised(password)
        except Invalid:
            given = None
        user = await self._find(login)
        kept = user.password_hash if user is not None and given is not None else None
        good = await self._passwords.verify(kept, given or Password(""))
        return user if good and user is not None and user.is_active else None

    async def _find(self, login: str) -> User | None:
        async with self._uow.reading() as work:
            try:
                if "@" in login:
                    return await work.users.find_by_email(email_address(login))
                return await work.users.find_by_username(username(login))
            except Invalid:
                return None

    async def _refuse(self, origin: Origin) -> NoReturn:
        async with self._uow() as work:
            await self._recorder.record(work, anonymous(origin), "user.sign_in_refused", None)
        raise InvalidCredential

    def _begun(self, user: User, origin: Origin, now: datetime) -> Session:
        return Session.begin(
            id=SessionId(self._ids.new()),
            user_id=user.id,
            kind=SessionKind.TOKEN,
            lifetimes=self._rules.refresh,
            origin=origin,
            now=now,
        )

    async def _rehash(self, user: User, password: str) -> None:
        """Keep the password under today's parameters, now or at the next sign-in: nobody is refused for it."""
        if user.password_hash is None or not self._passwords.is_outdated(user.password_hash):
            return
        with suppress(EditConflict, Unavailable):
            password_hash = await self._passwords.hash(normalised(password))
            async with self._uow() as work:
                await work.users.save(user.rehashed(password_hash, now=self._clock.now()))

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

    def _tokens(self, session: Session, refresh_token: str, now: datetime) -> Tokens:
        expires_at = min(now + self._rules.access, session.ends_at)
        claims = AccessClaims(session.user_id, session.id, expires_at)
        return Tokens(
            access_token=self._access_tokens.sign(claims),
            expires_in=int((expires_at - now).total_seconds()),
            refresh_token=refresh_token,
        )


def _unspent(minted: MintedToken, session: Session, now: datetime) -> RefreshToken:
    return RefreshToken(digest=minted.digest, session_id=session.id, created_at=now)
