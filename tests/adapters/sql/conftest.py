"""Real databases: a file in `tmp_path`, and a PostgreSQL database made for one test."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.schema import CreateIndex, CreateTable

from adapters.sql import postgres, sqlite_file
from adapters.sql.postgres import PostgresDatabase
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.tables import METADATA
from tests.adapters.sql.tables import metadata
from tests.support.databases import create_postgres, drop_postgres

Database = SqliteDatabase | PostgresDatabase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    connection = sqlite_file.open_file(tmp_path / "hexkey.db", patience=5, waits=True, writes=True)
    for sentence in schema(sqlite_file.DIALECT):
        connection.execute(sentence)
    connection.close()
    return tmp_path / "hexkey.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    yield database
    await database.close()


@pytest.fixture
async def dsn() -> AsyncIterator[str]:
    own = await create_postgres()
    connection = await asyncpg.connect(own)
    for sentence in schema(postgres.DIALECT):
        await connection.execute(sentence)
    await connection.close()
    yield own
    await drop_postgres(own)


@pytest.fixture
async def postgresql(dsn: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(dsn)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    return request.getfixturevalue(request.param)


def schema(dialect) -> list[str]:
    tables = metadata.sorted_tables
    indexes = [index for table in tables for index in table.indexes]
    return [str(make.compile(dialect=dialect)) for make in (*map(CreateTable, tables), *map(CreateIndex, indexes))]


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database of the service's own tables, to ask for plans."""
    connection = sqlite3.connect(":memory:")
    for table in METADATA.sorted_tables:
        for make in (CreateTable(table), *map(CreateIndex, table.indexes)):
            connection.execute(str(make.compile(dialect=sqlite_file.DIALECT)))
    yield connection
    connection.close()
