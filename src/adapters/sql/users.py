from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, bindparam, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Row, code_points, table_of
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import EmailTaken, UsernameTaken, UserNotFound
from domain.model.ids import UserId
from domain.model.users import EmailAddress, User, Username


class UserRow(Row):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(code_points(254), unique=True)
    username: Mapped[str | None] = mapped_column(code_points(32), unique=True)
    name: Mapped[str | None] = mapped_column(code_points(128))
    password_hash: Mapped[str | None] = mapped_column(String(512))
    is_active: Mapped[bool]
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


USERS = table_of(UserRow)
_ADD = Statement(insert(USERS))
_GET = Statement(select(USERS).where(USERS.c.id == bindparam("id")))
_BY_EMAIL = Statement(select(USERS).where(USERS.c.email == bindparam("email")))
_BY_USERNAME = Statement(select(USERS).where(USERS.c.username == bindparam("username")))
_VERSIONS = VersionedTable(
    USERS,
    mutable=("email", "username", "name", "password_hash", "is_active", "email_verified_at", "updated_at"),
    absent=UserNotFound,
)


def _values(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "username": user.username,
        "name": user.name,
        "password_hash": user.password_hash,
        "is_active": user.is_active,
        "email_verified_at": user.email_verified_at,
        "updated_at": user.updated_at,
    }


def _user(row: tuple[Any, ...]) -> User:
    (user_id, email, username, name, password_hash, is_active, verified_at, created_at, updated_at, version) = row
    return User(
        id=user_id,
        email=email,
        username=username,
        name=name,
        password_hash=password_hash,
        is_active=is_active,
        email_verified_at=verified_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


class SqlUserRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        with refusing(duplicate=_taken()):
            await self._connection.execute(
                _ADD, id=user.id, created_at=user.created_at, version=user.version, **_values(user)
            )

    async def get(self, user_id: UserId) -> User:
        if (row := await self._connection.fetch_one(_GET, id=user_id)) is None:
            raise UserNotFound
        return _user(row)

    async def find_by_email(self, email: EmailAddress) -> User | None:
        row = await self._connection.fetch_one(_BY_EMAIL, email=email)
        return None if row is None else _user(row)

    async def find_by_username(self, name: Username) -> User | None:
        row = await self._connection.fetch_one(_BY_USERNAME, username=name)
        return None if row is None else _user(row)

    async def save(self, user: User) -> User:
        with refusing(duplicate=_taken()):
            return await _VERSIONS.save(self._connection, user, _values(user))


def _taken() -> dict[str, EmailTaken | UsernameTaken]:
    return {"email": EmailTaken(), "username": UsernameTaken()}
