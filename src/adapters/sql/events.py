from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, bindparam, insert, select, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, table_of
from adapters.sql.statements import Connection, Statement
from domain.model.actors import ActorKind
from domain.model.events import Event
from domain.model.ids import EventId, UserId


class EventRow(Row):
    """No foreign keys: the trail outlives what it tells of."""

    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128))
    actor_kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[UUID | None]
    real_user_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    key_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    changes: Mapped[dict[str, Any]]

    __table_args__ = (Index(None, "user_id", "id"), Index(None, "subject", "id"))


_EVENTS = table_of(EventRow)
_ADD = Statement(insert(_EVENTS))
_WANTED = {name: bindparam(name, type_=_EVENTS.c[name].type) for name in ("subject", "user_id")}
_BEFORE = bindparam("before", type_=Id)
_LIMIT = bindparam("limit", type_=Integer)


@cache
def _list(*names: str) -> Statement:
    """Those that pass the filters of these *names*.

    What has to be equal is written as a span, and the first of it is a span of its index, ordered as that is. For an
    equality PostgreSQL may prefer the primary key, and walk the newer events of everybody else to come to the few
    that are wanted; SQLite may prefer to sort.
    """
    wanted = [(_EVENTS.c[name], value) for name, value in _WANTED.items() if name in names]
    filters = [column >= value for column, value in wanted]
    below = [column <= value for column, value in wanted]
    order = [*(column for column, _ in wanted[:1]), _EVENTS.c.id]
    if "before" in names:
        below[:1] = [tuple_(*order) < tuple_(*(value for _, value in wanted[:1]), _BEFORE)]
    return Statement(
        select(_EVENTS).where(*filters, *below).order_by(*(column.desc() for column in order)).limit(_LIMIT)
    )


def _event(row: tuple[Any, ...]) -> Event:
    (
        event_id,
        at,
        action,
        subject,
        actor_kind,
        user_id,
        real_user_id,
        session_id,
        key_id,
        address,
        request_id,
        changes,
    ) = row
    return Event(
        id=event_id,
        at=at,
        action=action,
        subject=subject,
        actor_kind=ActorKind(actor_kind),
        user_id=user_id,
        real_user_id=real_user_id,
        session_id=session_id,
        key_id=key_id,
        address=address,
        request_id=request_id,
        changes=changes,
    )


class SqlEventLog:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, event: Event) -> None:
        await self._connection.execute(
            _ADD,
            id=event.id,
            at=event.at,
            action=event.action,
            subject=event.subject,
            actor_kind=event.actor_kind.value,
            user_id=event.user_id,
            real_user_id=event.real_user_id,
            session_id=event.session_id,
            key_id=event.key_id,
            address=event.address,
            request_id=event.request_id,
            changes=event.changes,
        )

    async def list(
        self, limit: int, *, before: EventId | None = None, user_id: UserId | None = None, subject: str | None = None
    ) -> tuple[Event, ...]:
        given = {"before": before, "user_id": user_id, "subject": subject}
        values = {name: value for name, value in given.items() if value is not None}
        return tuple(map(_event, await self._connection.fetch(_list(*values), limit=limit, **values)))
