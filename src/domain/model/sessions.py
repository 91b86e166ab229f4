"""A sign-in that lasts, and the one-time refresh tokens that carry it on."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.actors import Origin, neighbourhood
from domain.model.ids import SessionId, UserId

SESSIONS_PER_USER = 20
_TOUCHED_EVERY = timedelta(minutes=1)


class SessionKind(StrEnum):
    TOKEN = "token"
    COOKIE = "cookie"
    IMPERSONATION = "impersonation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a session lives without use, and at the most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Dead once ended, idle for too long, or past its absolute end.

    *digest* is that of a cookie's secret. *real_user_id* is who acts as the user, if that is somebody else.
    """

    id: SessionId
    user_id: UserId
    kind: SessionKind
    real_user_id: UserId | None = None
    digest: bytes | None = field(default=None, repr=False)
    created_at: datetime
    last_seen_at: datetime
    idle_ends_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    address: str | None = None
    user_agent: str | None = None
    version: int = 1

    @classmethod
    def begin(
        cls,
        *,
        id: SessionId,
        user_id: UserId,
        kind: SessionKind,
        lifetimes: Lifetimes,
        origin: Origin,
        now: datetime,
        real_user_id: UserId | None = None,
        digest: bytes | None = None,
    ) -> "Session":
        return cls(
            id=id,
            user_id=user_id,
            kind=kind,
            real_user_id=real_user_id,
            digest=digest,
            created_at=now,
            last_seen_at=now,
            idle_ends_at=now + min(lifetimes.idle, lifetimes.absolute),
            ends_at=now + lifetimes.absolute,
            address=origin.address,
            user_agent=origin.user_agent,
        )

    def is_live(self, *, now: datetime) -> bool:
        return self.ended_at is None and now < self.idle_ends_at and now < self.ends_at

    def seen(self, *, lifetimes: Lifetimes, origin: Origin, now: datetime) -> "Session":
        return replace(
            self,
            last_seen_at=now,
            idle_ends_at=min(now + lifetimes.idle, self.ends_at),
            address=origin.address,
            user_agent=origin.user_agent,
        )

    def is_worth_touching(self, *, lifetimes: Lifetimes, now: datetime, written: datetime | None = None) -> bool:
        """Whether its last use lies so far back that this one is worth a write; *written* is a later one that was."""
        last = self.last_seen_at if written is None else max(written, self.last_seen_at)
        return now - last >= min(_TOUCHED_EVERY, lifetimes.idle / 20)

    def end(self, *, now: datetime) -> "Session":
        return self if self.ended_at is not None else replace(self, ended_at=now)


@dataclass(frozen=True, slots=True)
class Spending:
    """Who presents a refresh token, when, and what it is to be exchanged for."""

    origin: Origin
    successor_digest: bytes = field(repr=False)
    sealed_successor: bytes = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One use. Once spent, *sealed_successor* lets the client that spent it ask again after a lost answer.

    The seal opens only for who presents the spent token itself, so the row alone gives nothing away.
    """

    digest: bytes = field(repr=False)
    session_id: SessionId
    created_at: datetime
    spent_at: datetime | None = None
    spent_address: str | None = None
    spent_user_agent: str | None = None
    successor_digest: bytes | None = field(default=None, repr=False)
    sealed_successor: bytes | None = field(default=None, repr=False)

    def spend(self, spending: "Spending") -> "RefreshToken":
        return replace(
            self,
            spent_at=spending.at,
            spent_address=spending.origin.address,
            spent_user_agent=spending.origin.user_agent,
            successor_digest=spending.successor_digest,
            sealed_successor=spending.sealed_successor,
        )

    def may_retry(self, *, origin: Origin, window: timedelta, now: datetime) -> bool:
        """Whether who spent this token asks again, shortly after, from the same place and program."""
        return (
            self.spent_at is not None
            and now - self.spent_at < window
            and self.spent_user_agent == origin.user_agent
            and neighbourhood(self.spent_address) == neighbourhood(origin.address)
        )
