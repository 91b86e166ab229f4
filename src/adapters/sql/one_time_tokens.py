from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, LargeBinary, String, UniqueConstraint, bindparam, delete
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from domain.errors import InvitationNotFound, UserNotFound
from domain.model.ids import UserId
from domain.model.one_time_tokens import OneTimeToken, TokenPurpose


class OneTimeTokenRow(Row):
    """One of a purpose for each user and for each invitation, whoever asks for several at once."""

    __tablename__ = "one_time_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(code_points(254))
    user_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"))
    invitation_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("invitations.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (UniqueConstraint("user_id", "purpose"), UniqueConstraint("invitation_id", "purpose"))


_TOKENS = table_of(OneTimeTokenRow)


def _replacing(whose: Column[Any]) -> Statement:
    """Adds a token in the place of the one of the same purpose and for the same *whose*."""
    add = insert(_TOKENS)
    values = {column.name: add.excluded[column.name] for column in _TOKENS.columns}
    return Statement(add.on_conflict_do_update(index_elements=[whose, _TOKENS.c.purpose], set_=values))


_ADD_OF_USER = _replacing(_TOKENS.c.user_id)
_ADD_OF_INVITATION = _replacing(_TOKENS.c.invitation_id)
_TAKE = Statement(delete(_TOKENS).where(_TOKENS.c.digest == bindparam("digest")).returning(*_TOKENS.columns))
_REMOVE_OF_USER = Statement(delete(_TOKENS).where(_TOKENS.c.user_id == bindparam("user_id")))
_PRUNE = Statement(delete(_TOKENS).where(_TOKENS.c.expires_at < bindparam("before", type_=Instant)))


def _values(token: OneTimeToken) -> dict[str, Any]:
    return {
        "digest": token.digest,
        "purpose": token.purpose.value,
        "email": token.email,
        "user_id": token.user_id,
        "invitation_id": token.invitation_id,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }


def _token(row: tuple[Any, ...]) -> OneTimeToken:
    digest, purpose, email, user_id, invitation_id, created_at, expires_at = row
    return OneTimeToken(
        digest=digest,
        purpose=TokenPurpose(purpose),
        email=email,
        user_id=user_id,
        invitation_id=invitation_id,
        created_at=created_at,
        expires_at=expires_at,
    )


class SqlOneTimeTokenRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, token: OneTimeToken) -> None:
        of_user = token.user_id is not None
        with refusing(missing=UserNotFound() if of_user else InvitationNotFound()):
            await self._connection.execute(_ADD_OF_USER if of_user else _ADD_OF_INVITATION, **_values(token))

    async def take(self, digest: bytes) -> OneTimeToken | None:
        row = await self._connection.fetch_one(_TAKE, digest=digest)
        return None if row is None else _token(row)

    async def remove_of_user(self, user_id: UserId) -> None:
        await self._connection.execute(_REMOVE_OF_USER, user_id=user_id)

    async def prune(self, before: datetime) -> None:
        await self._connection.execute(_PRUNE, before=before)
