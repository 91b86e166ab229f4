from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Id, Json, Row, code_points, table_of
from adapters.sql.key_scopes import KEY_SCOPES
from adapters.sql.keys import KEYS
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import EditConflict, QuotaReached, ScopeNotFound
from domain.model.leases import EVERYTHING
from domain.model.scopes import Scope


class ScopeRow(Row):
    __tablename__ = "scopes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(code_points(64), unique=True)
    permissions: Mapped[list[str]]
    description: Mapped[str | None] = mapped_column(code_points(1024))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


SCOPES = table_of(ScopeRow)
SCOPE_WIDTH = len(SCOPES.columns)
_HELD = KEY_SCOPES.c.name == bindparam("name")
_NAMED = select(SCOPES).where(SCOPES.c.name.in_(bindparam("names", expanding=True))).order_by(SCOPES.c.name)

_ADD = insert_below(SCOPES, select(func.count(SCOPES.c.id)))
_FIND = Statement(select(SCOPES).where(SCOPES.c.name == bindparam("name")))
_LIST = Statement(select(SCOPES).order_by(SCOPES.c.name))
_BY_NAMES = Statement(_NAMED)
_KEEP = Statement(_NAMED.with_for_update(read=True, key_share=True))
_VERSIONS = VersionedTable(SCOPES, mutable=("permissions", "description", "updated_at"), absent=ScopeNotFound)
_HOLDER = Statement(select(KEY_SCOPES.c.key_id).where(_HELD).limit(1))
_HOLDERS = Statement(
    select(KEYS.c.id, KEYS.c.scopes)
    .join(KEY_SCOPES, KEY_SCOPES.c.key_id == KEYS.c.id)
    .where(_HELD)
    .order_by(KEYS.c.id)
    .with_for_update(of=KEYS)
)
_TAKE = Statement(
    update(KEYS)
    .where(KEYS.c.id == bindparam("of_key", type_=Id))
    .values(scopes=bindparam("left", type_=Json), version=KEYS.c.version + 1)
)
_RELEASE = Statement(delete(KEY_SCOPES).where(_HELD))


def _values(scope: Scope) -> dict[str, Any]:
    return {
        "permissions": sorted(scope.permissions),
        "description": scope.description,
        "updated_at": scope.updated_at,
    }


def scope_of(row: tuple[Any, ...]) -> Scope:
    """*row* is the columns of the scope."""
    scope_id, name, permissions, description, created_at, updated_at, version = row
    return Scope(
        id=scope_id,
        name=name,
        permissions=frozenset(permissions),
        description=description,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


class SqlScopeRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, scope: Scope, *, at_most: int) -> None:
        with refusing(duplicate={"name": EditConflict()}):
            added = await self._connection.execute(
                _ADD,
                at_most=at_most,
                id=scope.id,
                name=scope.name,
                created_at=scope.created_at,
                version=scope.version,
                **_values(scope),
            )
        if not added:
            self._connection.refuse(QuotaReached(f"there are at most {at_most} scopes"))

    async def find(self, name: str) -> Scope | None:
        row = await self._connection.fetch_one(_FIND, name=name)
        return None if row is None else scope_of(row)

    async def list(self) -> tuple[Scope, ...]:
        return tuple(map(scope_of, await self._connection.fetch(_LIST)))

    async def list_by_names(self, names: Iterable[str]) -> tuple[Scope, ...]:
        if not (wanted := sorted(set(names))):
            return ()
        await self._connection.lock(_KEEP, names=wanted)
        return tuple(map(scope_of, await self._connection.fetch(_BY_NAMES, names=wanted)))

    async def save(self, scope: Scope) -> Scope:
        self._changed(EVERYTHING)
        return await _VERSIONS.save(self._connection, scope, _values(scope))

    async def delete(self, scope: Scope) -> None:
        """Whoever gave it to a key meanwhile was waited for: the holders are looked up after it is gone."""
        self._changed(EVERYTHING)
        await _VERSIONS.delete(self._connection, scope)
        holders = await self._connection.fetch(_HOLDERS, name=scope.name)
        left = [{"of_key": key_id, "left": [s for s in scopes if s != scope.name]} for key_id, scopes in holders]
        await self._connection.execute_many(_TAKE, left)
        await self._connection.execute(_RELEASE, name=scope.name)

    async def has_key(self, name: str) -> bool:
        return await self._connection.fetch_one(_HOLDER, name=name) is not None
