"""A connection to a SQLite file: how it is opened, and what its errors mean."""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from adapters.sql.statements import Duplicate, MissingReference, Rows, Statement, duplicate_of
from domain.errors import Unavailable

DIALECT = SQLiteDialect_pysqlite(
    json_serializer=lambda value: msgspec.json.encode(value).decode(), json_deserializer=msgspec.json.decode
)
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF")
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_AWAY = _LOCKED | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT}


def open_file(path: Path, *, patience: float, waits: bool, writes: bool) -> sqlite3.Connection:
    """A connection in autocommit. While another process holds the file it is tried again, *patience* seconds long.

    *waits* says whether its statements wait for a lock as well; never where they would stop the event loop.
    """
    create_file(path)
    deadline = time.monotonic() + patience
    while True:
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            for pragma in (*_PRAGMAS, f"query_only={not writes}", f"busy_timeout={patience * 1000 * waits:.0f}"):
                connection.execute(f"PRAGMA {pragma}")
            return connection
        except sqlite3.Error as error:
            connection.close()
            # The switch to WAL does not wait for locks, whatever the busy timeout.
            if not is_locked(error) or time.monotonic() > deadline:
                fail(error)
        time.sleep(0.002)


def create_file(path: Path) -> None:
    """With the folder that it lies in. Only its owner may read either; the WAL beside it takes the same mode.

    It is opened exclusively or not at all: to close a second descriptor of the file would drop the locks that SQLite
    holds on it in this process (POSIX), and corrupt it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise Unavailable from error


def identity_of(path: Path) -> tuple[int, int]:
    """A file put in the place of another has the same path, and is not the same. Raises Unavailable."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise Unavailable from error
    return status.st_dev, status.st_ino


def perform(
    connection: sqlite3.Connection, text: str, parameters: Sequence[Any] = (), statement: Statement | None = None
) -> tuple[Rows, int]:
    """All rows, and how many were changed."""
    try:
        cursor = connection.execute(text, parameters)
        return cursor.fetchall(), cursor.rowcount
    except sqlite3.Error as error:
        fail(error, statement)


def fail(error: sqlite3.Error, statement: Statement | None = None) -> NoReturn:
    """Raise what *error* means to us, because of it; or the error itself, if it is a fault of our own."""
    if (meaning := _explain(error, statement)) is None:
        raise error
    raise meaning from error


def _explain(error: sqlite3.Error, statement: Statement | None) -> Exception | None:
    if _primary(error) in _AWAY:
        return Unavailable()
    if _primary(error) == sqlite3.SQLITE_CONSTRAINT and statement is not None:
        return _violation(error, statement.table)
    return None


def is_locked(error: sqlite3.Error) -> bool:
    return _primary(error) in _LOCKED


def is_over_budget(error: sqlite3.Error) -> bool:
    return _primary(error) == sqlite3.SQLITE_INTERRUPT


def _primary(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF


def _violation(error: sqlite3.Error, table: Table) -> Exception | None:
    """From ``UNIQUE constraint failed: users.email, users.realm`` or ``…: index 'uq_users_email'``."""
    match error.sqlite_errorname:
        case "SQLITE_CONSTRAINT_FOREIGNKEY":
            return MissingReference(table.name)
        case "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY" | "SQLITE_CONSTRAINT_ROWID":
            what = str(error).partition(": ")[2]
            if what.startswith("index "):
                return duplicate_of(table, what.removeprefix("index ").strip("'"))
            name, _, column = what.partition(",")[0].partition(".")
            return Duplicate(name, column)
    return None
