from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, bindparam, delete, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Id, Instant, Row, table_of
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import SessionNotFound, UserNotFound
from domain.model.ids import SessionId, UserId
from domain.model.leases import subject
from domain.model.sessions import RefreshToken, Session, SessionKind

_OPEN = text("ended_at IS NULL")
_ACTING = text("real_user_id IS NOT NULL")


class SessionRow(Row):
    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    real_user_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("users.id"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    idle_ends_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(256))
    version: Mapped[int]

    __table_args__ = (
        Index("ix_sessions_not_ended", "user_id", "ends_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_sessions_acting", "real_user_id", postgresql_where=_ACTING, sqlite_where=_ACTING),
        Index(None, "ends_at"),
    )


class RefreshTokenRow(Row):
    __tablename__ = "refresh_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
    spent_address: Mapped[str | None] = mapped_column(String(64))
    spent_user_agent: Mapped[str | None] = mapped_column(String(256))
    successor_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    sealed_successor: Mapped[bytes | None] = mapped_column(LargeBinary(256))


SESSIONS = table_of(SessionRow)
_TOKENS = table_of(RefreshTokenRow)
_NOW = bindparam("now", type_=Instant)
_NOT_ENDED = SESSIONS.c.ended_at.is_(None)
_LIVE = (_NOT_ENDED, SESSIONS.c.idle_ends_at > _NOW, SESSIONS.c.ends_at > _NOW)
_OWN = (SESSIONS.c.user_id == bindparam("user_id"), *_LIVE)
_SEEN = ("last_seen_at", "idle_ends_at", "address", "user_agent")
_ADD = Statement(insert(SESSIONS))
_GET = Statement(select(SESSIONS).where(SESSIONS.c.id == bindparam("id")))
_VERSIONS = VersionedTable(SESSIONS, mutable=(*_SEEN, "ended_at"), absent=SessionNotFound)
_TOUCH = Statement(
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("session_id"), _NOT_ENDED)
    .values({name: bindparam(name) for name in _SEEN})
)
_LIST_LIVE = Statement(select(SESSIONS).where(*_OWN).order_by(SESSIONS.c.created_at, SESSIONS.c.id))
_END = update(SESSIONS).values(ended_at=_NOW, version=SESSIONS.c.version + 1)
_END_OWN = Statement(_END.where(*_OWN))
_END_OWN_BUT = Statement(_END.where(*_OWN, SESSIONS.c.id != bindparam("but")))
_END_ACTING = Statement(_END.where(SESSIONS.c.real_user_id == bindparam("user_id"), *_LIVE))
_OVER = (
    select(SESSIONS.c.id)
    .where(SESSIONS.c.ends_at < bindparam("before"))
    .order_by(SESSIONS.c.ends_at, SESSIONS.c.id)
    .limit(bindparam("limit", type_=Integer))
)
_PRUNE = Statement(delete(SESSIONS).where(SESSIONS.c.id.in_(_OVER)))
_ADD_TOKEN = Statement(insert(_TOKENS))
_FIND_TOKEN = Statement(select(_TOKENS).where(_TOKENS.c.digest == bindparam("digest")))
_SPENT = ("spent_at", "spent_address", "spent_user_agent", "successor_digest", "sealed_successor")
_SPEND_TOKEN = Statement(
    update(_TOKENS)
    .where(_TOKENS.c.digest == bindparam("presented"), _TOKENS.c.spent_at.is_(None))
    .values({name: bindparam(name) for name in _SPENT})
)


def session_of(row: tuple[Any, ...]) -> Session:
    (
        session_id,
        user_id,
        kind,
        real_user_id,
        digest,
        created_at,
        last_seen_at,
        idle_ends_at,
        ends_at,
        ended_at,
        address,
        user_agent,
        version,
    ) = row
    return Session(
        id=session_id,
        user_id=user_id,
        kind=SessionKind(kind),
        real_user_id=real_user_id,
        digest=digest,
        created_at=created_at,
        last_seen_at=last_seen_at,
        idle_ends_at=idle_ends_at,
        ends_at=ends_at,
        ended_at=ended_at,
        address=address,
        user_agent=user_agent,
        version=version,
    )


def _seen(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in _SEEN}


def _token_of(row: tuple[Any, ...]) -> RefreshToken:
    digest, session_id, created_at, spent_at, address, user_agent, successor, sealed = row
    return RefreshToken(
        digest=digest,
        session_id=session_id,
        created_at=created_at,
        spent_at=spent_at,
        spent_address=address,
        spent_user_agent=user_agent,
        successor_digest=successor,
        sealed_successor=sealed,
    )


def _spent(token: RefreshToken) -> dict[str, Any]:
    return {name: getattr(token, name) for name in _SPENT}


class SqlSessionRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, session: Session) -> None:
        with refusing(missing=UserNotFound()):
            await self._connection.execute(
                _ADD,
                id=session.id,
                user_id=session.user_id,
                kind=session.kind.value,
                real_user_id=session.real_user_id,
                digest=session.digest,
                created_at=session.created_at,
                ends_at=session.ends_at,
                ended_at=session.ended_at,
                version=session.version,
                **_seen(session),
            )

    async def get(self, session_id: SessionId) -> Session:
        if (row := await self._connection.fetch_one(_GET, id=session_id)) is None:
            raise SessionNotFound
        return session_of(row)

    async def save(self, session: Session) -> Session:
        if session.ended_at is not None:
            self._changed(subject("session", session.id))
        return await _VERSIONS.save(self._connection, session, {**_seen(session), "ended_at": session.ended_at})

    async def touch(self, session: Session) -> None:
        await self._connection.execute(_TOUCH, session_id=session.id, **_seen(session))

    async def list_live_by_user(self, user_id: UserId, *, now: datetime) -> tuple[Session, ...]:
        return tuple(map(session_of, await self._connection.fetch(_LIST_LIVE, user_id=user_id, now=now)))

    async def end_all(self, user_id: UserId, *, now: datetime, but: SessionId | None = None) -> int:
        self._changed(subject("user", user_id))
        acting = await self._connection.execute(_END_ACTING, user_id=user_id, now=now)
        if but is None:
            return acting + await self._connection.execute(_END_OWN, user_id=user_id, now=now)
        return acting + await self._connection.execute(_END_OWN_BUT, user_id=user_id, now=now, but=but)

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._connection.execute(_PRUNE, before=before, limit=limit)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        with refusing(missing=SessionNotFound()):
            await self._connection.execute(
                _ADD_TOKEN,
                digest=token.digest,
                session_id=token.session_id,
                created_at=token.created_at,
                **_spent(token),
            )

    async def find_refresh_token(self, digest: bytes) -> RefreshToken | None:
        row = await self._connection.fetch_one(_FIND_TOKEN, digest=digest)
        return None if row is None else _token_of(row)

    async def spend_refresh_token(self, token: RefreshToken) -> bool:
        return await self._connection.execute(_SPEND_TOKEN, presented=token.digest, **_spent(token)) == 1
