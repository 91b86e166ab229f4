from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, String, bindparam, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Row, table_of
from adapters.sql.statements import Connection, Statement
from domain.model.actors import ActorKind
from domain.model.events import Event


class EventRow(Row):
    """No foreign keys: the trail outlives what it tells of."""

    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128), index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    session_id: Mapped[UUID | None]
    key_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    changes: Mapped[dict[str, Any]]


_EVENTS = table_of(EventRow)
_ADD = Statement(insert(_EVENTS))
_LATEST = Statement(select(_EVENTS).order_by(_EVENTS.c.id.desc()).limit(bindparam("limit", type_=Integer)))


def _event(row: tuple[Any, ...]) -> Event:
    event_id, at, action, subject, actor_kind, user_id, session_id, key_id, address, request_id, changes = row
    return Event(
        id=event_id,
        at=at,
        action=action,
        subject=subject,
        actor_kind=ActorKind(actor_kind),
        user_id=user_id,
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
            session_id=event.session_id,
            key_id=event.key_id,
            address=event.address,
            request_id=event.request_id,
            changes=event.changes,
        )

    async def latest(self, limit: int) -> tuple[Event, ...]:
        return tuple(map(_event, await self._connection.fetch(_LATEST, limit=limit)))
