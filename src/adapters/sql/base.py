"""What every table shares: its base, and the column types that read alike on both databases.

Why not advanced-alchemy's own types: its ``DateTimeUTC`` costs 1,560 ns for a value read from SQLite and ours 135,
``UUID(bytes=…)`` 1,250 ns and ours 440; a page of a hundred rows holds hundreds of them.
"""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID, SafeUUID

from advanced_alchemy.base import CommonTableAttributes, create_registry
from sqlalchemy import JSON, Column, ColumnElement, DateTime, Dialect, LargeBinary, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")

_blank = object.__new__
_set_int = UUID.__dict__["int"].__set__
_FOLDED = "_folded"
_set_is_safe = UUID.__dict__["is_safe"].__set__


def _uuid(stored: bytes | None) -> UUID | None:
    """``UUID(bytes=stored)`` without its checks: the column holds what `_sixteen_bytes` gave it."""
    if stored is None:
        return None
    made = _blank(UUID)
    _set_int(made, int.from_bytes(stored, "big"))
    _set_is_safe(made, SafeUUID.unknown)
    return made


def from_values(kind: type[T]) -> Callable[..., T]:
    """Makes a frozen dataclass with slots of the values of its fields, in their order, and without its checks: they
    were made when it was written. Its own way of setting them is a third of what a row costs.
    """
    setters = [kind.__dict__[field.name].__set__ for field in fields(kind)]  # type: ignore[arg-type]

    def make(*values: Any) -> T:
        made = _blank(kind)
        for put, value in zip(setters, values, strict=True):
            put(made, value)
        return made

    return make


def _sixteen_bytes(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise TypeError("an instant needs a time zone")
    return value.astimezone(UTC)


def _instant_text(value: datetime | None) -> str | None:
    """RFC 3339 of one length, so that text order is time order."""
    utc = _utc(value)
    return None if utc is None else utc.isoformat(timespec="microseconds")[:-6] + "Z"


def _instant(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, 16 bytes on SQLite."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LargeBinary(16) if dialect.name == "sqlite" else Uuid())

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], bytes | None] | None:
        return _sixteen_bytes if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], UUID | None] | None:
        return _uuid if dialect.name == "sqlite" else None


class Instant(TypeDecorator[datetime]):
    """A moment to the microsecond, always aware and always UTC; a naive one is refused with a TypeError."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _instant_text if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _instant if dialect.name == "sqlite" else None


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""What `msgspec.json` gives and takes, by the dialects of `sqlite` and `postgres`; ``None`` is NULL."""

Document = JSON(none_as_null=True)
"""An object of somebody else's, kept as the text it was: ``jsonb`` would sort its members and respell its numbers."""


class Row(CommonTableAttributes, DeclarativeBase):
    """Base of all tables. Rows are never loaded: statements and migrations read names and types from them."""

    registry = create_registry({UUID: Id, datetime: Instant, dict[str, Any]: Document, list[str]: Json})


def table_of(row: type[Row]) -> Table:
    return cast(Table, row.__table__)


def columns_of(table: Table) -> tuple[Column[Any], ...]:
    """Those that an entity is made of: all but what stands beside them to be searched."""
    return tuple(column for column in table.columns if not column.name.endswith(_FOLDED))


def folded(length: int) -> TypeEngine[str]:
    """Text for a column ``name_folded``: that of ``name`` as `str.casefold` has it, which may be thrice as long.

    No database folds as Python does, so who writes the text writes this beside it.
    """
    return code_points(3 * length)


def folded_beside(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """*column* folded: the one beside it, or itself where that holds nothing else."""
    table = column.table if isinstance(column, Column) else None
    beside = None if table is None else table.c.get(f"{column.key}{_FOLDED}")
    return column if beside is None else beside


def code_points(length: int) -> TypeEngine[str]:
    """Text that compares by code point on both databases, whatever the database's own locale."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
