"""What both databases offer the repositories."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from adapters.sql.connections import Connections
from adapters.sql.postgres import PostgresDatabase
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import Connection, Reading


class Database(Protocol):
    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Autocommitted: each statement sees what is committed when it starts."""

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """One transaction: kept on a clean exit, before the block is left; undone on an exception."""

    def connections(self) -> Connections:
        """Of this process, now; of SQLite the one that writes."""

    async def close(self) -> None: ...


def open_database(target: Path | str) -> Database:
    """SQLite at a path, PostgreSQL at a ``postgresql://`` address. Nothing is touched until the first statement."""
    return SqliteDatabase(target) if isinstance(target, Path) else PostgresDatabase(target)
