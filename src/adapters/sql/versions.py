"""Saving what was read: one statement with the version in its WHERE, and what it means when no row matched."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Table, bindparam, delete, select, update

from adapters.sql.statements import Connection, Statement
from domain.errors import EditConflict, NotFound


class Versioned(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


class VersionedTable:
    """*mutable* are the columns that a save writes; *absent* is raised when there is no such row."""

    def __init__(self, table: Table, *, mutable: Iterable[str], absent: type[NotFound]) -> None:
        seen = (table.c.id == bindparam("seen_id"), table.c.version == bindparam("seen_version"))
        columns = (*mutable, "version")
        self._save = Statement(update(table).where(*seen).values({name: bindparam(name) for name in columns}))
        self._delete = Statement(delete(table).where(*seen))
        self._exists = Statement(select(table.c.id).where(table.c.id == bindparam("id")))
        self._absent = absent

    async def save(self, connection: Connection, entity: V, values: Mapping[str, Any]) -> V:
        """*entity* with its next version, kept. Raises what is absent, EditConflict."""
        following = replace(entity, version=entity.version + 1)
        changed = await connection.execute(
            self._save, seen_id=entity.id, seen_version=entity.version, version=following.version, **values
        )
        await self._require(connection, entity, changed)
        return following

    async def delete(self, connection: Connection, entity: V) -> None:
        """Raises what is absent, EditConflict."""
        changed = await connection.execute(self._delete, seen_id=entity.id, seen_version=entity.version)
        await self._require(connection, entity, changed)

    async def _require(self, connection: Connection, entity: Versioned, changed: int) -> None:
        if not changed:
            present = await connection.fetch_one(self._exists, id=entity.id)
            connection.refuse(self._absent() if present is None else EditConflict())
