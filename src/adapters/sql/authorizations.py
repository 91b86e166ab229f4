from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, bindparam, delete, insert
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from domain.errors import SessionNotFound
from domain.model.authorizations import AuthorizationRequest


class AuthorizationRow(Row):
    __tablename__ = "authorizations"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    provider: Mapped[str] = mapped_column(code_points(255))
    return_to: Mapped[str] = mapped_column(String(1024))
    user_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


_REQUESTS = table_of(AuthorizationRow)
_ADD = Statement(insert(_REQUESTS))
_TAKE = Statement(delete(_REQUESTS).where(_REQUESTS.c.digest == bindparam("digest")).returning(*_REQUESTS.columns))
_PRUNE = Statement(delete(_REQUESTS).where(_REQUESTS.c.expires_at < bindparam("before", type_=Instant)))


def _request(row: tuple[Any, ...]) -> AuthorizationRequest:
    digest, provider, return_to, user_id, session_id, expires_at = row
    return AuthorizationRequest(
        digest=digest,
        provider=provider,
        return_to=return_to,
        user_id=user_id,
        session_id=session_id,
        expires_at=expires_at,
    )


class SqlAuthorizationRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, request: AuthorizationRequest) -> None:
        with refusing(missing=SessionNotFound()):
            await self._connection.execute(
                _ADD,
                digest=request.digest,
                provider=request.provider,
                return_to=request.return_to,
                user_id=request.user_id,
                session_id=request.session_id,
                expires_at=request.expires_at,
            )

    async def take(self, digest: bytes) -> AuthorizationRequest | None:
        row = await self._connection.fetch_one(_TAKE, digest=digest)
        return None if row is None else _request(row)

    async def prune(self, before: datetime) -> None:
        await self._connection.execute(_PRUNE, before=before)
