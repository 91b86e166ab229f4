"""How a session begins and ends, and what is handed out for it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.model.actors import Actor
from domain.model.ids import SessionId, UserId
from domain.model.sessions import SESSIONS_PER_USER, Lifetimes, RefreshToken, Session, SessionKind
from domain.model.users import User
from domain.ports.security import AccessClaims, AccessTokens, MintedToken
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork
from domain.services.audit import Recorder

IMPERSONATION = Lifetimes(idle=timedelta(minutes=15), absolute=timedelta(minutes=15))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a client is handed; *expires_in* is the access token's life in whole seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(default="", repr=False)
    """Empty where there is none: an impersonation is not carried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    password_grant: bool
    """Whether a password may be exchanged for tokens (RFC 9700 advises against it)."""
    access: timedelta
    refresh: Lifetimes
    cookie: Lifetimes
    retry_window: timedelta
    """How long a client that lost our answer may ask with the spent token again; zero is never."""

    def lifetimes(self, kind: SessionKind) -> Lifetimes:
        return {
            SessionKind.TOKEN: self.refresh,
            SessionKind.COOKIE: self.cookie,
            SessionKind.IMPERSONATION: IMPERSONATION,
        }[kind]


class SessionIssuer:
    def __init__(
        self,
        *,
        access_tokens: AccessTokens,
        rules: SessionRules,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
        per_user: int = SESSIONS_PER_USER,
    ) -> None:
        self._access_tokens = access_tokens
        self._rules = rules
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._per_user = per_user

    def new_id(self) -> SessionId:
        return SessionId(self._ids.new())

    async def begin(
        self,
        work: UnitOfWork,
        actor: Actor,
        user: User,
        kind: SessionKind,
        *,
        id: SessionId | None = None,
        digest: bytes | None = None,
        real_user_id: UserId | None = None,
    ) -> Session:
        """A session, kept. Where there are as many as a user may have, the oldest end: of their own, or of those in
        which somebody acts as them. *user* is locked, so that they are counted by one at a time, and so that who
        changes the password meanwhile ends this one too.
        """
        now, foreign = self._clock.now(), real_user_id is not None
        every = await work.sessions.list_live_by_user(user.id, now=now)
        live = [session for session in every if (session.real_user_id is not None) is foreign]
        for oldest in live[: max(0, len(live) - self._per_user + 1)]:
            await self.end(work, actor, oldest)
        session = Session.begin(
            id=id or self.new_id(),
            user_id=user.id,
            kind=kind,
            lifetimes=self._rules.lifetimes(kind),
            origin=actor.origin,
            now=now,
            real_user_id=real_user_id,
            digest=digest,
        )
        await work.sessions.add(session)
        return session

    async def end(self, work: UnitOfWork, actor: Actor, session: Session) -> None:
        """Raises EditConflict."""
        await work.sessions.save(session.end(now=self._clock.now()))
        await self._recorder.record(work, actor, "session.ended", session.id)

    def tokens(self, session: Session, refresh_token: str = "", *, now: datetime) -> Tokens:
        longest = session.ends_at - now if session.real_user_id is not None else self._rules.access
        expires_at = min(now + longest, session.ends_at)
        claims = AccessClaims(session.user_id, session.id, expires_at, session.real_user_id)
        return Tokens(
            access_token=self._access_tokens.sign(claims),
            expires_in=int((expires_at - now).total_seconds()),
            refresh_token=refresh_token,
        )


def unspent(minted: MintedToken, session: Session, now: datetime) -> RefreshToken:
    return RefreshToken(digest=minted.digest, session_id=session.id, created_at=now)
