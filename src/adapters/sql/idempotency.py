from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, LargeBinary, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, table_of
from adapters.sql.statements import Connection, Statement
from domain.errors import IdempotencyInProgress
from domain.model.idempotency import Record
from domain.model.ids import ClaimId

_SEALED = text("sealed IS NOT NULL")


class IdempotencyRow(Row):
    """No foreign key: whoever's credential has ended is turned away at the door, and in a day it is gone."""

    __tablename__ = "idempotency_records"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    claim_id: Mapped[UUID] = mapped_column(Id)
    claimed_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    shown_until: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "expires_at", "digest"),
        Index("ix_idempotency_records_sealed", "shown_until", "digest", postgresql_where=_SEALED, sqlite_where=_SEALED),
    )


_RECORDS = table_of(IdempotencyRow)
_COLUMNS = tuple(column.name for column in _RECORDS.columns)
_NOW, _LIMIT = bindparam("now", type_=Instant), bindparam("limit", type_=Integer)
_OWN = (_RECORDS.c.digest == bindparam("own_digest"), _RECORDS.c.claim_id == bindparam("own_claim_id"))
_ADD = insert(_RECORDS)
_CLAIM = Statement(
    _ADD.on_conflict_do_update(index_elements=[_RECORDS.c.digest], set_={"digest": _RECORDS.c.digest}).returning(
        *_RECORDS.columns
    )
)
_SAVE = Statement(
    update(_RECORDS).where(*_OWN).values({name: bindparam(name) for name in _COLUMNS if name != "digest"})
)
_RELEASE = Statement(delete(_RECORDS).where(*_OWN, _RECORDS.c.shown_until.is_(None)))
_SHOWN_NO_LONGER = (
    select(_RECORDS.c.digest)
    .where(_RECORDS.c.sealed.is_not(None), _RECORDS.c.shown_until <= _NOW)
    .order_by(_RECORDS.c.shown_until, _RECORDS.c.digest)
    .limit(_LIMIT)
)
_ERASE = Statement(update(_RECORDS).where(_RECORDS.c.digest.in_(_SHOWN_NO_LONGER)).values(sealed=None))
_EXPIRED = (
    select(_RECORDS.c.digest)
    .where(_RECORDS.c.expires_at <= _NOW)
    .order_by(_RECORDS.c.expires_at, _RECORDS.c.digest)
    .limit(_LIMIT)
)
_PRUNE = Statement(delete(_RECORDS).where(_RECORDS.c.digest.in_(_EXPIRED)))


def _values(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _COLUMNS}


def _record(row: tuple[Any, ...]) -> Record:
    return Record(**dict(zip(_COLUMNS, row, strict=True)))


class SqlIdempotencyRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, record: Record) -> Record:
        """A row that is changed to what it is, or made, is locked either way, in one statement."""
        [row] = await self._connection.fetch(_CLAIM, **_values(record))
        return _record(row)

    async def save(self, record: Record, *, claim_id: ClaimId) -> None:
        values = _values(record)
        digest = values.pop("digest")
        if not await self._connection.execute(_SAVE, own_digest=digest, own_claim_id=claim_id, **values):
            self._connection.refuse(IdempotencyInProgress())

    async def release(self, record: Record) -> None:
        await self._connection.execute(_RELEASE, own_digest=record.digest, own_claim_id=record.claim_id)

    async def erase(self, now: datetime, limit: int) -> int:
        return await self._connection.execute(_ERASE, now=now, limit=limit)

    async def prune(self, now: datetime, limit: int) -> int:
        return await self._connection.execute(_PRUNE, now=now, limit=limit)
