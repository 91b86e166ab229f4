from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Row, code_points, columns_of, folded, table_of
from adapters.sql.memberships import MEMBERSHIPS, OF_ROLE, OF_USER
from adapters.sql.queries import Listing
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.users import USERS
from adapters.sql.versions import VersionedTable
from domain.errors import RoleNameTaken, RoleNotFound, UserNotFound
from domain.model.ids import RoleId, UserId
from domain.model.leases import subject
from domain.model.queries import Page, Query
from domain.model.roles import ROLE_FIELDS, HeldRole, Role


class RoleRow(Row):
    __tablename__ = "roles"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(code_points(128), unique=True)
    description: Mapped[str | None] = mapped_column(code_points(1024))
    permissions: Mapped[list[str]]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    name_folded: Mapped[str] = mapped_column(folded(128), server_default="")

    __table_args__ = (Index(None, "created_at", "id"),)


ROLES = table_of(RoleRow)
ROLE_COLUMNS = columns_of(ROLES)
HELD_COLUMNS = (ROLES.c.id, ROLES.c.is_active, ROLES.c.permissions)
_ONE = select(ROLES.c.id).where(ROLES.c.id == bindparam("id"))

_ADD = Statement(insert(ROLES))
_GET = Statement(select(*ROLE_COLUMNS).where(ROLES.c.id == bindparam("id")))
_VERSIONS = VersionedTable(
    ROLES, mutable=("name", "name_folded", "description", "permissions", "is_active", "updated_at"), absent=RoleNotFound
)
_LISTING = Listing.of(ROLES, ROLE_FIELDS)
_BY_USER = Statement(select(*ROLE_COLUMNS).join(MEMBERSHIPS).where(OF_USER).order_by(ROLES.c.name))
_KEEP = Statement(_ONE.with_for_update(read=True, key_share=True))
_GRANT = Statement(insert(MEMBERSHIPS).on_conflict_do_nothing())
_REVOKE = Statement(delete(MEMBERSHIPS).where(OF_ROLE, OF_USER))
_MEMBER = Statement(select(MEMBERSHIPS.c.user_id).where(OF_ROLE).limit(1))
_LOCK = Statement(_ONE.with_for_update(key_share=True))
_ACTIVE_MEMBERS = Statement(
    select(func.count(USERS.c.id)).join(MEMBERSHIPS).where(OF_ROLE, USERS.c.is_active.is_(True))
)


def _values(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "name_folded": role.name.casefold(),
        "description": role.description,
        "permissions": sorted(role.permissions),
        "is_active": role.is_active,
        "updated_at": role.updated_at,
    }


def role_of(row: tuple[Any, ...]) -> Role:
    role_id, name, description, permissions, is_active, created_at, updated_at, version = row
    return Role(
        id=role_id,
        name=name,
        description=description,
        permissions=frozenset(permissions),
        is_active=is_active,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


def held_of(row: tuple[Any, ...]) -> HeldRole:
    """*row* is `HELD_COLUMNS`."""
    role_id, is_active, permissions = row
    return HeldRole(role_id, is_active, frozenset(permissions))


class SqlRoleRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, role: Role) -> None:
        with refusing(duplicate=_taken()):
            await self._connection.execute(
                _ADD, id=role.id, created_at=role.created_at, version=role.version, **_values(role)
            )

    async def get(self, role_id: RoleId) -> Role:
        if (row := await self._connection.fetch_one(_GET, id=role_id)) is None:
            raise RoleNotFound
        return role_of(row)

    async def save(self, role: Role) -> Role:
        self._changed(subject("role", role.id))
        with refusing(duplicate=_taken()):
            return await _VERSIONS.save(self._connection, role, _values(role))

    async def delete(self, role: Role) -> None:
        self._changed(subject("role", role.id))
        await _VERSIONS.delete(self._connection, role)

    async def list(self, query: Query) -> Page[Role]:
        return await _LISTING.page(self._connection, query, role_of)

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        return tuple(map(role_of, await self._connection.fetch(_BY_USER, user_id=user_id)))

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        """The role is there until the unit ends: a reference that leads nowhere is the one to the user."""
        if await self._connection.fetch_one(_KEEP, id=role_id) is None:
            self._connection.refuse(RoleNotFound())
        self._changed(subject("user", user_id))
        with refusing(missing=UserNotFound()):
            await self._connection.execute(_GRANT, user_id=user_id, role_id=role_id)

    async def revoke(self, role_id: RoleId, user_id: UserId) -> None:
        self._changed(subject("user", user_id))
        await self._connection.execute(_REVOKE, role_id=role_id, user_id=user_id)

    async def has_member(self, role_id: RoleId) -> bool:
        return await self._connection.fetch_one(_MEMBER, role_id=role_id) is not None

    async def count_active_members(self, role_id: RoleId) -> int:
        """The lock is a statement of its own, so that the count sees what those have done for whom it waited."""
        await self._connection.lock(_LOCK, id=role_id)
        [(active,)] = await self._connection.fetch(_ACTIVE_MEMBERS, role_id=role_id)
        return int(active)


def _taken() -> dict[str, RoleNameTaken]:
    return {"name": RoleNameTaken()}
