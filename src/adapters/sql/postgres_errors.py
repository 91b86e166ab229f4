"""What the errors of asyncpg and of PostgreSQL mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy import Table

from adapters.sql.statements import MissingReference, Statement, duplicate_of
from domain.errors import EditConflict, Unavailable

_DEAD = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
_AWAY = (*_DEAD, "3D000", "28", "53", "57014", "55P03")
"""SQLSTATEs, or how they begin: gone or going down; no such database, or not for us; too many clients, no room;
too slow."""
_OVERTAKEN = ("40001", "40P01")
"""Two units waited for each other, and this one was ended so that the other can go on: it may be tried again."""
TROUBLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""All that the driver raises; a timeout is an OSError."""


@contextmanager
def translated(statement: Statement | None = None) -> Iterator[None]:
    """The driver's errors in our words; a fault of our own passes as it is."""
    try:
        yield
    except TROUBLE as error:
        if (meaning := _explain(error, statement)) is None:
            raise
        raise meaning from error


def _explain(error: Exception, statement: Statement | None) -> Exception | None:
    if _state(error) in _OVERTAKEN:
        return EditConflict()
    if isinstance(error, OSError) or is_dead(error) or _state(error).startswith(_AWAY):
        return Unavailable()
    if isinstance(error, asyncpg.InvalidCachedStatementError):  # a migration has just changed a table
        return Unavailable()
    if isinstance(error, asyncpg.ClientConfigurationError):  # such as verify-full without a root certificate
        return Unavailable()
    if statement is not None and isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return _violation(error, statement.table)
    return None


def _violation(error: asyncpg.IntegrityConstraintViolationError, table: Table) -> Exception | None:
    match error:
        case asyncpg.UniqueViolationError():
            return duplicate_of(table, error.constraint_name)
        case asyncpg.ForeignKeyViolationError():
            return MissingReference(table.name)
    return None


def _state(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or ""


def is_dead(error: Exception) -> bool:
    """Whether the connection, not the statement, is at fault. For one closed before, asyncpg has words but no class."""
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error) or "released" in str(error)
    broken = isinstance(error, ConnectionError | asyncpg.InternalClientError)
    return broken or _state(error).startswith(_DEAD)
