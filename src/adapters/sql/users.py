from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, bindparam, false, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Row, code_points, columns_of, folded, table_of
from adapters.sql.memberships import MEMBERSHIPS, OF_ROLE
from adapters.sql.queries import Listing
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import EmailTaken, UsernameTaken, UserNotFound
from domain.model.ids import RoleId, UserId
from domain.model.leases import subject
from domain.model.queries import Page, Query
from domain.model.users import USER_FIELDS, EmailAddress, User, Username


class UserRow(Row):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(code_points(254), unique=True)
    username: Mapped[str | None] = mapped_column(code_points(32), unique=True)
    name: Mapped[str | None] = mapped_column(code_points(128))
    password_hash: Mapped[str | None] = mapped_column(String(512))
    password_change_required: Mapped[bool] = mapped_column(server_default=false())
    is_active: Mapped[bool]
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    email_folded: Mapped[str] = mapped_column(folded(254), server_default="")
    name_folded: Mapped[str | None] = mapped_column(folded(128))

    __table_args__ = (Index(None, "created_at", "id"),)


USERS = table_of(UserRow)
_ADD = Statement(insert(USERS))
_USERS = select(*columns_of(USERS))
_ONE = _USERS.where(USERS.c.id == bindparam("id"))
_GET = Statement(_ONE)
_LOCK = Statement(_ONE.with_for_update(key_share=True))
_BY_EMAIL = Statement(_USERS.where(USERS.c.email == bindparam("email")))
_BY_USERNAME = Statement(_USERS.where(USERS.c.username == bindparam("username")))
_VERSIONS = VersionedTable(
    USERS,
    mutable=(
        "email",
        "email_folded",
        "username",
        "name",
        "name_folded",
        "password_hash",
        "password_change_required",
        "is_active",
        "email_verified_at",
        "updated_at",
    ),
    absent=UserNotFound,
)
_HOLDING = USERS.c.id.in_(select(MEMBERSHIPS.c.user_id).where(OF_ROLE))
_LISTINGS = {True: Listing.of(USERS, USER_FIELDS, _HOLDING), False: Listing.of(USERS, USER_FIELDS)}


def _values(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "email_folded": user.email.casefold(),
        "username": user.username,
        "name": user.name,
        "name_folded": None if user.name is None else user.name.casefold(),
        "password_hash": user.password_hash,
        "password_change_required": user.password_change_required,
        "is_active": user.is_active,
        "email_verified_at": user.email_verified_at,
        "updated_at": user.updated_at,
    }


def _user(row: tuple[Any, ...]) -> User:
    (
        user_id,
        email,
        username,
        name,
        password_hash,
        password_change_required,
        is_active,
        email_verified_at,
        created_at,
        updated_at,
        version,
    ) = row
    return User(
        id=user_id,
        email=email,
        username=username,
        name=name,
        password_hash=password_hash,
        password_change_required=password_change_required,
        is_active=is_active,
        email_verified_at=email_verified_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


class SqlUserRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, user: User) -> None:
        with refusing(duplicate=_taken()):
            await self._connection.execute(
                _ADD, id=user.id, created_at=user.created_at, version=user.version, **_values(user)
            )

    async def get(self, user_id: UserId) -> User:
        return await self._only(_GET, user_id)

    async def lock(self, user_id: UserId) -> User:
        """What refers to the user may come and go meanwhile."""
        return await self._only(_LOCK, user_id)

    async def find_by_email(self, email: EmailAddress) -> User | None:
        row = await self._connection.fetch_one(_BY_EMAIL, email=email)
        return None if row is None else _user(row)

    async def find_by_username(self, name: Username) -> User | None:
        row = await self._connection.fetch_one(_BY_USERNAME, username=name)
        return None if row is None else _user(row)

    async def save(self, user: User) -> User:
        self._changed(subject("user", user.id))
        with refusing(duplicate=_taken()):
            return await _VERSIONS.save(self._connection, user, _values(user))

    async def list(self, query: Query, *, role_id: RoleId | None = None) -> Page[User]:
        values: dict[str, Any] = {} if role_id is None else {"role_id": role_id}
        return await _LISTINGS[role_id is not None].page(self._connection, query, _user, **values)

    async def _only(self, statement: Statement, user_id: UserId) -> User:
        if (row := await self._connection.fetch_one(statement, id=user_id)) is None:
            raise UserNotFound
        return _user(row)


def _taken() -> dict[str, EmailTaken | UsernameTaken]:
    return {"email": EmailTaken(), "username": UsernameTaken()}
