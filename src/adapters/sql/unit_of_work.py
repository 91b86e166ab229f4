import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, NoReturn, TypeVar

from adapters.sql.access_changes import Changed, append
from adapters.sql.attempts import SqlAttemptRepository
from adapters.sql.authorizations import SqlAuthorizationRepository
from adapters.sql.database import Database
from adapters.sql.events import SqlEventLog
from adapters.sql.idempotency import SqlIdempotencyRepository
from adapters.sql.identities import SqlIdentityRepository
from adapters.sql.invitations import SqlInvitationRepository
from adapters.sql.keys import SqlKeyRepository
from adapters.sql.mails import SqlMailRepository
from adapters.sql.members import SqlMemberRepository
from adapters.sql.one_time_tokens import SqlOneTimeTokenRepository
from adapters.sql.projects import SqlProjectRepository
from adapters.sql.roles import SqlRoleRepository
from adapters.sql.scopes import SqlScopeRepository
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.statements import Connection, Reading, Rows, Statement, Values
from adapters.sql.tasks import SqlTaskRepository
from adapters.sql.users import SqlUserRepository
from adapters.sql.webhooks import SqlWebhookRepository
from domain.errors import DomainError

R = TypeVar("R")


class SqlUnitOfWork:
    """*changed* is told every subject whose access a write has changed."""

    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self.users = SqlUserRepository(connection, changed)
        self.roles = SqlRoleRepository(connection, changed)
        self.sessions = SqlSessionRepository(connection, changed)
        self.attempts = SqlAttemptRepository(connection)
        self.one_time_tokens = SqlOneTimeTokenRepository(connection)
        self.invitations = SqlInvitationRepository(connection)
        self.keys = SqlKeyRepository(connection, changed)
        self.scopes = SqlScopeRepository(connection, changed)
        self.projects = SqlProjectRepository(connection, changed)
        self.members = SqlMemberRepository(connection, changed)
        self.tasks = SqlTaskRepository(connection)
        self.mails = SqlMailRepository(connection)
        self.events = SqlEventLog(connection)
        self.idempotency = SqlIdempotencyRepository(connection)
        self.webhooks = SqlWebhookRepository(connection)
        self.identities = SqlIdentityRepository(connection)
        self.authorizations = SqlAuthorizationRepository(connection)

    def own(self, repository: Callable[[Connection], R]) -> R:
        return repository(self._connection)


class SqlUnitOfWorkFactory:
    """*heard* is told what a unit has changed of somebody's access, once it is committed."""

    def __init__(self, database: Database, heard: Callable[[dict[str, int]], object] = dict) -> None:
        self._database = database
        self._heard = heard
        self._inside: set[asyncio.Task[Any] | None] = set()

    def __call__(self) -> AbstractAsyncContextManager[SqlUnitOfWork]:
        return self._write()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlUnitOfWork]:
        with self._alone():
            async with self._database.reading() as connection:
                yield SqlUnitOfWork(_ReadOnly(connection), _none)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[SqlUnitOfWork]:
        subjects: dict[str, None] = {}
        seqs: dict[str, int] = {}
        with self._alone():
            async with self._database.writing() as connection:
                yield SqlUnitOfWork(connection, subjects.setdefault)
                if subjects:
                    seqs = await append(connection, subjects)
        self._heard(seqs)

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


def _none(_: str) -> NoReturn:
    """Who only looks changes nobody's access."""
    raise _read_only()


def _read_only() -> RuntimeError:
    return RuntimeError("a reading unit of work does not write")
