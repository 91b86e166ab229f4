from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, bindparam, select
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.users import USERS
from domain.errors import RoleNotFound, UserNotFound
from domain.model.ids import RoleId, UserId
from domain.model.roles import Role


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


class MembershipRow(Row):
    __tablename__ = "user_roles"

    user_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(Id, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True)


ROLES = table_of(RoleRow)
MEMBERSHIPS = table_of(MembershipRow)
_OF_USER = MEMBERSHIPS.c.user_id == bindparam("user_id")
_OF_ROLE = MEMBERSHIPS.c.role_id == bindparam("role_id")

_GET = Statement(select(ROLES).where(ROLES.c.id == bindparam("id")))
_BY_USER = Statement(select(ROLES).join(MEMBERSHIPS).where(_OF_USER).order_by(ROLES.c.name))
_GRANT = Statement(insert(MEMBERSHIPS).on_conflict_do_nothing())
_ACTIVE_MEMBER = Statement(select(USERS.c.id).join(MEMBERSHIPS).where(_OF_ROLE, USERS.c.is_active.is_(True)).limit(1))


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


class SqlRoleRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, role_id: RoleId) -> Role:
        if (row := await self._connection.fetch_one(_GET, id=role_id)) is None:
            raise RoleNotFound
        return role_of(row)

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        return tuple(map(role_of, await self._connection.fetch(_BY_USER, user_id=user_id)))

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        if await self._connection.fetch_one(_GET, id=role_id) is None:
            self._connection.refuse(RoleNotFound())
        with refusing(missing=UserNotFound()):
            await self._connection.execute(_GRANT, user_id=user_id, role_id=role_id)

    async def has_active_member(self, role_id: RoleId) -> bool:
        return await self._connection.fetch_one(_ACTIVE_MEMBER, role_id=role_id) is not None
