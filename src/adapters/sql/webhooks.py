from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Instant, Row, code_points, table_of
from adapters.sql.queries import Listing
from adapters.sql.statements import Connection, Statement
from adapters.sql.versions import VersionedTable
from domain.errors import DeliveryNotFound
from domain.model.ids import DeliveryId
from domain.model.queries import Page, Query
from domain.model.webhooks import DELIVERY_FIELDS, Delivery, DeliveryStatus

_WAITING = text("due_at IS NOT NULL")


class WebhookDeliveryRow(Row):
    """The payload comes last: SQLite then reads the others without it."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(code_points(255))
    delivery_id: Mapped[str] = mapped_column(code_points(255))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    event: Mapped[str | None] = mapped_column(code_points(255))
    size: Mapped[int]
    status: Mapped[str] = mapped_column(code_points(16))
    attempts: Mapped[int]
    due_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    version: Mapped[int]
    payload: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("source", "delivery_id", name="uq_webhook_deliveries_delivery_id"),
        UniqueConstraint("source", "digest", name="uq_webhook_deliveries_digest"),
        Index("ix_webhook_deliveries_due_at", "due_at", "id", postgresql_where=_WAITING, sqlite_where=_WAITING),
        Index("ix_webhook_deliveries_source", "source", "created_at", "id"),
        Index(None, "created_at", "id"),
    )


_DELIVERIES = table_of(WebhookDeliveryRow)
_COLUMNS = tuple(column for column in _DELIVERIES.columns if column.name != "payload")
_NAMES = tuple(column.name for column in _COLUMNS)
_MUTABLE = ("status", "attempts", "due_at", "handled_at", "last_error")
_OF_SOURCE = _DELIVERIES.c.source == bindparam("of_source")

_ADD = Statement(insert(_DELIVERIES).on_conflict_do_nothing())
_DUE = Statement(
    select(*_COLUMNS)
    .where(_DELIVERIES.c.due_at <= bindparam("now", type_=Instant))
    .order_by(_DELIVERIES.c.due_at, _DELIVERIES.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_PAYLOAD = Statement(select(_DELIVERIES.c.payload).where(_DELIVERIES.c.id == bindparam("id")))
_VERSIONS = VersionedTable(_DELIVERIES, mutable=_MUTABLE, absent=DeliveryNotFound)
_LISTING = Listing(
    select(*_COLUMNS).where(_OF_SOURCE),
    select(func.count(_DELIVERIES.c.id)).where(_OF_SOURCE),
    columns={name: _DELIVERIES.c[name] for name in DELIVERY_FIELDS},
    tie=_DELIVERIES.c.id,
)
_EARLY = (
    select(_DELIVERIES.c.id)
    .where(_DELIVERIES.c.created_at < bindparam("before", type_=Instant))
    .order_by(_DELIVERIES.c.created_at, _DELIVERIES.c.id)
    .limit(bindparam("limit", type_=Integer))
)
_PRUNE = Statement(delete(_DELIVERIES).where(_DELIVERIES.c.id.in_(_EARLY)))


def _values(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in _NAMES}


def _delivery(row: tuple[Any, ...]) -> Delivery:
    values = dict(zip(_NAMES, row, strict=True))
    return Delivery(**{**values, "status": DeliveryStatus(values["status"])})


class SqlWebhookRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, delivery: Delivery, payload: str) -> bool:
        return await self._connection.execute(_ADD, **_values(delivery), payload=payload) == 1

    async def claim(self, *, now: datetime) -> Delivery | None:
        """What somebody else is just claiming, or handling, is passed over: nobody waits."""
        if (row := await self._connection.fetch_one(_DUE, now=now)) is None:
            return None
        return await self.save(_delivery(row).attempted(now=now))

    async def payload(self, delivery_id: DeliveryId) -> str:
        if (row := await self._connection.fetch_one(_PAYLOAD, id=delivery_id)) is None:
            raise DeliveryNotFound
        return str(row[0])

    async def save(self, delivery: Delivery) -> Delivery:
        values = {name: getattr(delivery, name) for name in _MUTABLE}
        return await _VERSIONS.save(self._connection, delivery, values)

    async def list_by_source(self, source: str, query: Query) -> Page[Delivery]:
        return await _LISTING.page(self._connection, query, _delivery, of_source=source)

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._connection.execute(_PRUNE, before=before, limit=limit)
