from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Row, code_points, columns_of, folded, table_of
from adapters.sql.queries import Listing
from adapters.sql.statements import Connection, Statement
from domain.errors import InvitationNotFound
from domain.model.ids import InvitationId, RoleId
from domain.model.invitations import INVITATION_FIELDS, Invitation
from domain.model.queries import Page, Query


class InvitationRow(Row):
    """*invited_by* is no foreign key: the invitation outlives who made it, and NULL says that the operator did."""

    __tablename__ = "invitations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(code_points(254), unique=True)
    role_ids: Mapped[list[str]]
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    email_folded: Mapped[str] = mapped_column(folded(254), server_default="")

    __table_args__ = (Index(None, "created_at", "id"),)


_INVITATIONS = table_of(InvitationRow)
_ID = _INVITATIONS.c.id == bindparam("id")

_ADD = Statement(insert(_INVITATIONS).on_conflict_do_nothing(index_elements=[_INVITATIONS.c.email]))
_MAKE_ROOM = Statement(delete(_INVITATIONS).where(_INVITATIONS.c.email == bindparam("email")))
_GET = Statement(select(*columns_of(_INVITATIONS)).where(_ID))
_DELETE = Statement(delete(_INVITATIONS).where(_ID))
_LISTING = Listing.of(_INVITATIONS, INVITATION_FIELDS)


def _values(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "email": invitation.email,
        "email_folded": invitation.email.casefold(),
        "role_ids": sorted(map(str, invitation.role_ids)),
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


def _invitation(row: tuple[Any, ...]) -> Invitation:
    invitation_id, email, role_ids, invited_by, created_at, expires_at = row
    return Invitation(
        id=invitation_id,
        email=email,
        role_ids=frozenset(RoleId(UUID(text)) for text in role_ids),
        invited_by=invited_by,
        created_at=created_at,
        expires_at=expires_at,
    )


class SqlInvitationRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, invitation: Invitation) -> None:
        """Who meets another that has just been added takes it away and tries again. Once one is taken away here,
        nobody else can come first.
        """
        while not await self._connection.execute(_ADD, **_values(invitation)):
            await self._connection.execute(_MAKE_ROOM, email=invitation.email)

    async def get(self, invitation_id: InvitationId) -> Invitation:
        if (row := await self._connection.fetch_one(_GET, id=invitation_id)) is None:
            raise InvitationNotFound
        return _invitation(row)

    async def delete(self, invitation_id: InvitationId) -> None:
        if not await self._connection.execute(_DELETE, id=invitation_id):
            self._connection.refuse(InvitationNotFound())

    async def list(self, query: Query) -> Page[Invitation]:
        return await _LISTING.page(self._connection, query, _invitation)
