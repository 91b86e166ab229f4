import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, NoReturn

from adapters.sql.attempts import SqlAttemptRepository
from adapters.sql.database import Database
from adapters.sql.events import SqlEventLog
from adapters.sql.invitations import SqlInvitationRepository
from adapters.sql.keys import SqlKeyRepository
from adapters.sql.mails import SqlMailRepository
from adapters.sql.one_time_tokens import SqlOneTimeTokenRepository
from adapters.sql.projects import SqlProjectRepository
from adapters.sql.roles import SqlRoleRepository
from adapters.sql.scopes import SqlScopeRepository
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.statements import Connection, Reading, Rows, Statement, Values
from adapters.sql.users import SqlUserRepository
from domain.errors import DomainError


class SqlUnitOfWork:
    def __init__(self, connection: Connection) -> None:
        self.users = SqlUserRepository(connection)
        self.roles = SqlRoleRepository(connection)
        self.sessions = SqlSessionRepository(connection)
        self.attempts = SqlAttemptRepository(connection)
        self.one_time_tokens = SqlOneTimeTokenRepository(connection)
        self.invitations = SqlInvitationRepository(connection)
        self.keys = SqlKeyRepository(connection)
        self.scopes = SqlScopeRepository(connection)
        self.projects = SqlProjectRepository(connection)
        self.mails = SqlMailRepository(connection)
        self.events = SqlEventLog(connection)


class SqlUnitOfWorkFactory:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._inside: set[asyncio.Task[Any] | None] = set()

    def __call__(self) -> AbstractAsyncContextManager[SqlUnitOfWork]:
        return self._write()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlUnitOfWork]:
        with self._alone():
            async with self._database.reading() as connection:
                yield SqlUnitOfWork(_ReadOnly(connection))

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[SqlUnitOfWork]:
        with self._alone():
            async with self._database.writing() as connection:
                yield SqlUnitOfWork(connection)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A task that held one unit while it waited for a second could wait for itself."""
        task = asyncio.current_task()
        if task in self._inside:
            raise RuntimeError("units of work do not nest")
        self._inside.add(task)
        try:
            yield
        finally:
            self._inside.discard(task)


class _ReadOnly:
    """Reads pass; a write is a mistake of ours."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        if statement.writes:
            raise _read_only()
        return await self._reading.fetch(statement, **values)

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    async def execute(self, statement: Statement, /, **values: Any) -> int:
        raise _read_only()

    async def execute_many(self, statement: Statement, rows: Iterable[Values], /) -> None:
        raise _read_only()

    async def lock(self, statement: Statement, /, **values: Any) -> None:
        """Who only looks waits for nobody."""

    def refuse(self, refusal: DomainError) -> NoReturn:
        raise _read_only()


def _read_only() -> RuntimeError:
    return RuntimeError("a reading unit of work does not write")
