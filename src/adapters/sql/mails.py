from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from domain.errors import InvitationNotFound, UserNotFound
from domain.model.ids import MailId
from domain.model.mails import Mail, MailKind


class MailRow(Row):
    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(code_points(254))
    user_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("invitations.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int]

    __table_args__ = (Index(None, "due_at", "id"),)


_MAILS = table_of(MailRow)
_ADD = Statement(insert(_MAILS))
_DUE = Statement(
    select(_MAILS)
    .where(_MAILS.c.due_at <= bindparam("now", type_=Instant))
    .order_by(_MAILS.c.due_at, _MAILS.c.id)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
)
_ATTEMPT = Statement(
    update(_MAILS)
    .where(_MAILS.c.id == bindparam("mail_id"))
    .values(due_at=bindparam("due_at"), attempts=bindparam("attempts"))
)
_REMOVE = Statement(delete(_MAILS).where(_MAILS.c.id == bindparam("id")))
_COUNT = Statement(select(func.count(_MAILS.c.id)))


def _values(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "kind": mail.kind.value,
        "address": mail.to,
        "user_id": mail.user_id,
        "invitation_id": mail.invitation_id,
        "created_at": mail.created_at,
        "due_at": mail.due_at,
        "attempts": mail.attempts,
    }


def _mail(row: tuple[Any, ...]) -> Mail:
    mail_id, kind, address, user_id, invitation_id, created_at, due_at, attempts = row
    return Mail(
        id=mail_id,
        kind=MailKind(kind),
        to=address,
        user_id=user_id,
        invitation_id=invitation_id,
        created_at=created_at,
        due_at=due_at,
        attempts=attempts,
    )


class SqlMailRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, mail: Mail) -> None:
        with refusing(missing=UserNotFound() if mail.user_id is not None else InvitationNotFound()):
            await self._connection.execute(_ADD, **_values(mail))

    async def claim(self, limit: int, *, now: datetime) -> tuple[Mail, ...]:
        """What somebody else is just claiming is passed over: nobody waits."""
        due = map(_mail, await self._connection.fetch(_DUE, now=now, limit=limit))
        claimed = tuple(mail.attempted(now=now) for mail in due)
        await self._connection.execute_many(
            _ATTEMPT, [{"mail_id": mail.id, "due_at": mail.due_at, "attempts": mail.attempts} for mail in claimed]
        )
        return claimed

    async def remove(self, mail_id: MailId) -> None:
        await self._connection.execute(_REMOVE, id=mail_id)

    async def count(self) -> int:
        ((waiting,),) = await self._connection.fetch(_COUNT)
        return int(waiting)
