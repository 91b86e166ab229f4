"""Storages that a test may fill as it likes: memory, SQLite and PostgreSQL, behind the same few names.

``HEXKEY_TEST_POSTGRES`` is the address of a PostgreSQL server on which databases may be made and dropped. Without one
its tests are skipped, unless ``HEXKEY_TEST_REQUIRE`` names ``postgres``: then they fail.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from advanced_alchemy.alembic.commands import AlembicCommands
from sqlalchemy import delete

from adapters.memory import MemoryAccessDirectory, MemoryDatabase
from adapters.sql import (
    Database,
    SqlAccessChanges,
    SqlAccessDirectory,
    SqlUnitOfWorkFactory,
    migration_config,
    open_database,
)
from adapters.sql.access_changes import CHANGES
from adapters.sql.floor import FLOOR
from adapters.sql.roles import ROLES
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import Statement
from adapters.sql.tables import METADATA
from domain.model.attempts import Attempts
from domain.model.authorizations import AuthorizationRequest
from domain.model.events import Event
from domain.model.idempotency import Record
from domain.model.identities import Identity, ProviderSession
from domain.model.invitations import Invitation
from domain.model.keys import Key
from domain.model.mails import Mail
from domain.model.members import Member
from domain.model.one_time_tokens import OneTimeToken
from domain.model.projects import Project
from domain.model.roles import BUILT_IN, Role
from domain.model.scopes import Catalogue, Scope
from domain.model.sessions import RefreshToken, Session
from domain.model.tasks import Task
from domain.model.users import User
from domain.model.webhooks import Delivery
from domain.ports.access import AccessChanges, AccessDirectory
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

from .fakes import ManualClock

NAMES = ("memory", "sqlite", "postgres")
SERVER = os.environ.get("HEXKEY_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("HEXKEY_TEST_REQUIRE", "").split(",")
_KNOWS_ENGLISH = """
    SELECT current_setting('server_version_num')::int >= 150000
       AND EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')
"""
_ENGLISH = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
_OWN_ROLES = ROLES.c.id.not_in([role.id for role in BUILT_IN])
_EMPTYING = [
    Statement(delete(table).where(_OWN_ROLES) if table is ROLES else delete(table))
    for table in reversed(METADATA.sorted_tables)
    if table not in (CHANGES, FLOOR)
]
Kept = (
    User
    | Role
    | Session
    | RefreshToken
    | Attempts
    | Invitation
    | OneTimeToken
    | Mail
    | Key
    | Scope
    | Project
    | Event
    | Record
    | Member
    | Task
    | Delivery
    | Identity
    | ProviderSession
    | AuthorizationRequest
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Empty but for the built-in roles."""

    uow: UnitOfWorkFactory
    directory: AccessDirectory
    changes: AccessChanges
    clock: ManualClock

    async def given(self, *values: Kept) -> None:
        """Keep *values*, in one unit of work and in their order."""
        async with self.uow() as work:
            for value in values:
                await _keep(work, value)


async def _keep(work: UnitOfWork, value: Kept) -> None:
    match value:
        case User():
            await work.users.add(value)
        case Role():
            await work.roles.add(value)
        case Session():
            await work.sessions.add(value)
        case RefreshToken():
            await work.sessions.add_refresh_token(value)
        case Attempts():
            await work.attempts.save(value)
        case Invitation():
            await work.invitations.add(value)
        case OneTimeToken():
            await work.one_time_tokens.add(value)
        case Mail():
            await work.mails.add(value)
        case Key():
            await work.keys.add(value, live_at_most=1000, now=value.created_at)
        case Scope():
            await work.scopes.add(value, at_most=1000)
        case Project():
            await work.projects.add(value, at_most=1000)
        case Member():
            await work.members.add(value, at_most=1000)
        case Task():
            await work.tasks.add(value, at_most=1000)
        case Event():
            await work.events.add(value)
        case Record():
            await work.idempotency.claim(value)
        case Delivery():
            await work.webhooks.add(value, "{}")
        case Identity():
            await work.identities.add(value)
        case ProviderSession():
            await work.identities.attach(value)
        case AuthorizationRequest():
            await work.authorizations.add(value)


def memory_storage(catalogue: Catalogue | None = None) -> Storage:
    database, clock = MemoryDatabase(), ManualClock()
    directory = MemoryAccessDirectory(database, catalogue or Catalogue(), clock)
    return Storage(uow=database.unit_of_work, directory=directory, changes=database.changes, clock=clock)


def sql_storage(database: Database) -> Storage:
    clock = ManualClock()
    directory = SqlAccessDirectory(database, Catalogue(), clock)
    changes = SqlAccessChanges(database, database.path if isinstance(database, SqliteDatabase) else None)
    return Storage(uow=SqlUnitOfWorkFactory(database), directory=directory, changes=changes, clock=clock)


class Databases:
    """The throw-away databases of one run, made when first asked for; SQLite's live in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sqlite: Path | None = None
        self._postgres: str | None = None

    @asynccontextmanager
    async def storage(self, name: str) -> AsyncIterator[Storage]:
        if name == "memory":
            yield memory_storage()
            return
        async with self.sql(name) as database:
            yield sql_storage(database)

    @asynccontextmanager
    async def sql(self, name: str) -> AsyncIterator[Database]:
        """Migrated, and empty but for the built-in roles."""
        database = open_database(await (self._sqlite_copy() if name == "sqlite" else self._postgres_address()))
        try:
            if name == "postgres":
                await _empty(database)
            yield database
        finally:
            await database.close()

    async def _sqlite_copy(self) -> Path:
        """A copy of one migrated file: migrating takes longer than most tests."""
        if self._sqlite is None:
            template = self._folder / "template.db"
            await _migrate(template)
            self._sqlite = template
        copy = self._folder / f"{uuid4().hex}.db"
        shutil.copy(self._sqlite, copy)
        return copy

    async def _postgres_address(self) -> str:
        """One database for the whole run, emptied row by row: 1 ms, where TRUNCATE takes 40 and a new one 180."""
        if self._postgres is None:
            self._postgres = await create_postgres()
            await _migrate(self._postgres)
        return self._postgres

    def drop(self) -> None:
        if self._postgres is not None:
            asyncio.run(drop_postgres(self._postgres))


async def create_postgres() -> str:
    """The address of a new database without a single table; `drop_postgres` takes it away.

    It sorts as English does, where the server knows how: whoever needs another order has to say so.
    """
    name = f"hexkey_test_{uuid4().hex}"
    async with _server() as server:
        english = await server.fetchval(_KNOWS_ENGLISH)
        await server.execute(f"CREATE DATABASE {name} {_ENGLISH if english else ''}")
    return urlsplit(SERVER)._replace(path=f"/{name}").geturl()


async def drop_postgres(address: str) -> None:
    async with _server() as server:
        await server.execute(f"DROP DATABASE {urlsplit(address).path.removeprefix('/')} WITH (FORCE)")


async def _migrate(target: Path | str) -> None:
    """In a thread: on PostgreSQL the migrations run a loop of their own."""
    await asyncio.to_thread(AlembicCommands(migration_config(target)).upgrade)


async def _empty(database: Database) -> None:
    async with database.writing() as connection:
        for statement in _EMPTYING:
            await connection.execute(statement)


@asynccontextmanager
async def _server() -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(SERVER, timeout=5)
    except OSError as error:
        if "postgres" in REQUIRED:
            raise
        pytest.skip(f"no PostgreSQL answers at {urlsplit(SERVER).netloc}: {error}")
    try:
        yield connection
    finally:
        await connection.close()
