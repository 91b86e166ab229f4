from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from domain.errors import IdentityNotFound, IdentityTaken, SessionNotFound, UserNotFound
from domain.model.identities import Identity, ProviderSession
from domain.model.ids import IdentityId, SessionId, UserId

_ISSUER, _TEXT = 512, 255


class IdentityRow(Row):
    __tablename__ = "identities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(code_points(_TEXT))
    issuer: Mapped[str] = mapped_column(code_points(_ISSUER))
    subject: Mapped[str] = mapped_column(code_points(_TEXT))
    email: Mapped[str | None] = mapped_column(code_points(_TEXT))
    given_name: Mapped[str | None] = mapped_column(code_points(_TEXT))
    family_name: Mapped[str | None] = mapped_column(code_points(_TEXT))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("issuer", "subject"),)


class ProviderSessionRow(Row):
    __tablename__ = "provider_sessions"

    session_id: Mapped[UUID] = mapped_column(Id, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    provider: Mapped[str] = mapped_column(code_points(_TEXT))
    issuer: Mapped[str] = mapped_column(code_points(_ISSUER))
    subject: Mapped[str] = mapped_column(code_points(_TEXT), index=True)
    session: Mapped[str | None] = mapped_column(code_points(_TEXT), index=True)


_IDENTITIES, _SESSIONS = table_of(IdentityRow), table_of(ProviderSessionRow)
_SAID = ("email", "given_name", "family_name", "last_used_at")
_ADD = Statement(insert(_IDENTITIES))
_FIND = Statement(
    select(_IDENTITIES).where(
        _IDENTITIES.c.issuer == bindparam("issuer"), _IDENTITIES.c.subject == bindparam("subject")
    )
)
_LIST_BY_USER = Statement(
    select(_IDENTITIES)
    .where(_IDENTITIES.c.user_id == bindparam("user_id"))
    .order_by(_IDENTITIES.c.created_at, _IDENTITIES.c.id)
)
_TOUCH = Statement(
    update(_IDENTITIES)
    .where(_IDENTITIES.c.id == bindparam("identity_id"))
    .values({name: bindparam(name) for name in _SAID})
)
_DELETE = Statement(delete(_IDENTITIES).where(_IDENTITIES.c.id == bindparam("id")))
_ADD_SESSION = insert(_SESSIONS)
_ATTACH = Statement(
    _ADD_SESSION.on_conflict_do_update(
        index_elements=[_SESSIONS.c.session_id],
        set_={column.name: _ADD_SESSION.excluded[column.name] for column in _SESSIONS.columns},
    )
)
_BY_ISSUER = (
    select(_SESSIONS.c.session_id).where(_SESSIONS.c.issuer == bindparam("issuer")).order_by(_SESSIONS.c.session_id)
)
_OF_SUBJECT, _OF_SESSION = _SESSIONS.c.subject == bindparam("subject"), _SESSIONS.c.session == bindparam("session")
_BY_SUBJECT = Statement(_BY_ISSUER.where(_OF_SUBJECT))
_BY_SESSION = Statement(_BY_ISSUER.where(_OF_SESSION))
_BY_BOTH = Statement(_BY_ISSUER.where(_OF_SUBJECT, _OF_SESSION | _SESSIONS.c.session.is_(None)))


def _said(identity: Identity) -> dict[str, Any]:
    return {name: getattr(identity, name) for name in _SAID}


def _identity(row: tuple[Any, ...]) -> Identity:
    identity_id, user_id, provider, issuer, subject, email, given_name, family_name, created_at, last_used_at = row
    return Identity(
        id=identity_id,
        user_id=user_id,
        provider=provider,
        issuer=issuer,
        subject=subject,
        email=email,
        given_name=given_name,
        family_name=family_name,
        created_at=created_at,
        last_used_at=last_used_at,
    )


class SqlIdentityRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, identity: Identity) -> None:
        with refusing(duplicate={"issuer": IdentityTaken()}, missing=UserNotFound()):
            await self._connection.execute(
                _ADD,
                id=identity.id,
                user_id=identity.user_id,
                provider=identity.provider,
                issuer=identity.issuer,
                subject=identity.subject,
                created_at=identity.created_at,
                **_said(identity),
            )

    async def find(self, issuer: str, subject: str) -> Identity | None:
        row = await self._connection.fetch_one(_FIND, issuer=issuer, subject=subject)
        return None if row is None else _identity(row)

    async def list_by_user(self, user_id: UserId) -> tuple[Identity, ...]:
        return tuple(map(_identity, await self._connection.fetch(_LIST_BY_USER, user_id=user_id)))

    async def touch(self, identity: Identity) -> None:
        await self._connection.execute(_TOUCH, identity_id=identity.id, **_said(identity))

    async def delete(self, identity_id: IdentityId) -> None:
        if not await self._connection.execute(_DELETE, id=identity_id):
            self._connection.refuse(IdentityNotFound())

    async def attach(self, session: ProviderSession) -> None:
        with refusing(missing=SessionNotFound()):
            await self._connection.execute(
                _ATTACH,
                session_id=session.session_id,
                provider=session.provider,
                issuer=session.issuer,
                subject=session.subject,
                session=session.session,
            )

    async def list_sessions(self, issuer: str, *, subject: str | None, session: str | None) -> tuple[SessionId, ...]:
        if session is None:
            rows = await self._connection.fetch(_BY_SUBJECT, issuer=issuer, subject=subject)
        elif subject is None:
            rows = await self._connection.fetch(_BY_SESSION, issuer=issuer, session=session)
        else:
            rows = await self._connection.fetch(_BY_BOTH, issuer=issuer, subject=subject, session=session)
        return tuple(row[0] for row in rows)
