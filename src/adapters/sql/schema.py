"""The schema's commands and its check: advanced-alchemy's, over engines of their own that serve no request."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg
from advanced_alchemy.config import (
    AlembicAsyncConfig,
    AlembicSyncConfig,
    SQLAlchemyAsyncConfig,
    SQLAlchemySyncConfig,
)
from sqlalchemy import URL, Column, Engine, MetaData, NullPool, String, Table, create_engine, event, select
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.sql.database import Database
from adapters.sql.floor import FLOOR
from adapters.sql.migrations import FOLDER, HEAD, VERSION_TABLE
from adapters.sql.sqlite_file import create_file
from adapters.sql.statements import Statement
from adapters.sql.tables import METADATA
from domain.errors import Unavailable

MIGRATION_PATIENCE = 60.0
"""How long, in seconds, a migration waits for the one before it."""


class Branch(NamedTuple):
    """Tables with a history of their own: Alembic's *folder* with an ``env.py``, and the *head* that the code needs.

    A branch knows nothing of the others; each has its table of versions. The service's own comes first.
    """

    name: str
    folder: Path
    head: str
    metadata: MetaData

    @property
    def version_table(self) -> str:
        return f"{self.name}_versions"


SCHEMA = Branch(VERSION_TABLE.removesuffix("_versions"), FOLDER, HEAD, METADATA)


class SchemaNotCurrent(Unavailable):
    """The database is not at the revision that this code needs."""


async def require_current(database: Database, branches: Iterable[Branch] = ()) -> None:
    """Of our own tables and of all *branches*; ours may be newer than the code, while they still carry it.

    Raises SchemaNotCurrent with the mend, Unavailable.
    """
    for branch in (SCHEMA, *branches):
        versions = await _names(database, branch.version_table, "version_num")
        if branch.head not in versions and not (branch is SCHEMA and await _carry(database, versions)):
            found = ", ".join(sorted(versions)) or "nothing"
            whose = "the schema" if branch is SCHEMA else f"the schema of {branch.name}"
            raise SchemaNotCurrent(f"{whose} is at {found}, not at {branch.head}: run `hexkey database upgrade`")


async def _carry(database: Database, versions: set[str]) -> bool:
    """Whether tables at *versions* are newer, and have all that this code needs."""
    floors = await _names(database, FLOOR.name, FLOOR.c.head.name) if max(versions, default="") > HEAD else set()
    return bool(floors) and max(floors) <= HEAD


async def _names(database: Database, table: str, column: str) -> set[str]:
    """What stands in *column*; nothing where there is no such *table*."""
    asked = Table(table, MetaData(), Column(column, String(32)))
    try:
        async with database.reading() as connection:
            return {name for (name,) in await connection.fetch(Statement(select(asked.c[column])))}
    except (sqlite3.OperationalError, asyncpg.UndefinedTableError):
        return set()


def migration_config(target: Path | str, branch: Branch = SCHEMA) -> SQLAlchemySyncConfig | SQLAlchemyAsyncConfig:
    """What advanced-alchemy's commands need to know of the database at *target*, as `open_database` takes it."""
    scripts = str(branch.folder).replace("%", "%%")
    if isinstance(target, Path):
        return SQLAlchemySyncConfig(
            engine_instance=_sqlite_engine(target),
            bind_key=branch.name,
            metadata=branch.metadata,
            alembic_config=AlembicSyncConfig(
                script_config="", script_location=scripts, version_table_name=branch.version_table
            ),
        )
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(target, statement_cache_size=0),
        connect_args={"prepared_statement_cache_size": 0, "prepared_statement_name_func": _name_of_its_own},
        poolclass=NullPool,
    )
    return SQLAlchemyAsyncConfig(
        engine_instance=engine,
        bind_key=branch.name,
        metadata=branch.metadata,
        alembic_config=AlembicAsyncConfig(
            script_config="", script_location=scripts, version_table_name=branch.version_table
        ),
    )


def _name_of_its_own() -> str:
    """A pooler lends its sessions to others, who must not find a name that they would take."""
    return f"hexkey_{uuid4().hex}"


def _sqlite_engine(path: Path) -> Engine:
    """Each transaction takes the write lock when it begins, and waits for it."""
    create_file(path)
    waits = {"timeout": MIGRATION_PATIENCE, "isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=waits, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
