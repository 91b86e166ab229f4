"""The schema's commands and its check: advanced-alchemy's, over engines of their own that serve no request."""

import sqlite3
from pathlib import Path

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
from adapters.sql.migrations import FOLDER, HEAD, VERSION_TABLE
from adapters.sql.sqlite_file import create_file
from adapters.sql.statements import Statement
from adapters.sql.tables import METADATA
from domain.errors import Unavailable

MIGRATION_PATIENCE = 60.0
"""How long, in seconds, a migration waits for the one before it."""

_VERSIONS = Statement(select(Table(VERSION_TABLE, MetaData(), Column("version_num", String(32))).c.version_num))
_SCRIPTS = str(FOLDER).replace("%", "%%")


class SchemaNotCurrent(Unavailable):
    """The database is not at the revision that this code needs."""


async def require_current(database: Database) -> None:
    """Raises SchemaNotCurrent with the mend, Unavailable."""
    try:
        async with database.reading() as connection:
            versions = {version for (version,) in await connection.fetch(_VERSIONS)}
    except (sqlite3.OperationalError, asyncpg.UndefinedTableError):
        versions = set()
    if HEAD not in versions:
        found = ", ".join(sorted(versions)) or "nothing"
        raise SchemaNotCurrent(f"the schema is at {found}, not at {HEAD}: run `hexkey database upgrade`")


def migration_config(target: Path | str) -> SQLAlchemySyncConfig | SQLAlchemyAsyncConfig:
    """What advanced-alchemy's commands need to know of the database at *target*, as `open_database` takes it."""
    if isinstance(target, Path):
        return SQLAlchemySyncConfig(
            engine_instance=_sqlite_engine(target),
            metadata=METADATA,
            alembic_config=AlembicSyncConfig(
                script_config="", script_location=_SCRIPTS, version_table_name=VERSION_TABLE
            ),
        )
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(target), poolclass=NullPool
    )
    return SQLAlchemyAsyncConfig(
        engine_instance=engine,
        metadata=METADATA,
        alembic_config=AlembicAsyncConfig(script_config="", script_location=_SCRIPTS, version_table_name=VERSION_TABLE),
    )


def _sqlite_engine(path: Path) -> Engine:
    """Each transaction takes the write lock when it begins, and waits for it."""
    create_file(path)
    waits = {"timeout": MIGRATION_PATIENCE, "isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=waits, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
