import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import fields
from typing import Any, NoReturn

from adapters.memory.access_changes import Changed, MemoryAccessChanges
from adapters.memory.attempts import MemoryAttemptRepository
from adapters.memory.authorizations import MemoryAuthorizationRepository
from adapters.memory.events import MemoryEventLog
from adapters.memory.idempotency import MemoryIdempotencyRepository
from adapters.memory.identities import MemoryIdentityRepository
from adapters.memory.invitations import MemoryInvitationRepository
from adapters.memory.keys import MemoryKeyRepository
from adapters.memory.mails import MemoryMailRepository
from adapters.memory.members import MemoryMemberRepository
from adapters.memory.one_time_tokens import MemoryOneTimeTokenRepository
from adapters.memory.own import Owning
from adapters.memory.projects import MemoryProjectRepository
from adapters.memory.roles import MemoryRoleRepository
from adapters.memory.schema import Tables
from adapters.memory.scopes import MemoryScopeRepository
from adapters.memory.sessions import MemorySessionRepository
from adapters.memory.tasks import MemoryTaskRepository
from adapters.memory.users import MemoryUserRepository
from adapters.memory.webhooks import MemoryWebhookRepository
from domain.model.roles import BUILT_IN


class MemoryUnitOfWork(Owning):
    """*changed* is told every subject whose access a write has changed."""

    def __init__(self, tables: Tables, changed: Changed) -> None:
        super().__init__(tables.own)
        self.users = MemoryUserRepository(tables.users, tables.memberships, changed)
        self.roles = MemoryRoleRepository(tables.roles, tables.memberships, tables.users, changed)
        attached = (tables.provider_sessions, tables.authorizations)
        self.sessions = MemorySessionRepository(tables.sessions, tables.tokens, tables.users, attached, changed)
        self.attempts = MemoryAttemptRepository(tables.attempts)
        self.one_time_tokens = MemoryOneTimeTokenRepository(tables.one_time_tokens, tables.users, tables.invitations)
        self.invitations = MemoryInvitationRepository(tables.invitations, tables.one_time_tokens, tables.mails)
        self.keys = MemoryKeyRepository(tables.keys, tables.users, changed)
        self.scopes = MemoryScopeRepository(tables.scopes, tables.keys, changed)
        self.projects = MemoryProjectRepository(tables.projects, tables.members, tables.tasks, tables.users, changed)
        self.members = MemoryMemberRepository(tables.members, tables.projects, tables.users, changed)
        self.tasks = MemoryTaskRepository(tables.tasks, tables.projects, tables.members, tables.users)
        self.mails = MemoryMailRepository(tables.mails, tables.users, tables.invitations)
        self.events = MemoryEventLog(tables.events)
        self.idempotency = MemoryIdempotencyRepository(tables.records)
        self.webhooks = MemoryWebhookRepository(tables.deliveries, tables.payloads)
        self.identities = MemoryIdentityRepository(
            tables.identities, tables.provider_sessions, tables.users, tables.sessions
        )
        self.authorizations = MemoryAuthorizationRepository(tables.authorizations, tables.sessions)


class MemoryUnitOfWorkFactory:
    """One writer at a time. Readers look at what is committed, and wait for nobody."""

    def __init__(self, committed: Tables, changes: MemoryAccessChanges) -> None:
        self._committed = committed
        self._changes = changes
        self._writer = asyncio.Lock()
        self._inside: set[asyncio.Task[Any] | None] = set()

    def __call__(self) -> AbstractAsyncContextManager[MemoryUnitOfWork]:
        return self._write()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[MemoryUnitOfWork]:
        with self._alone():
            yield MemoryUnitOfWork(self._committed, _none)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[MemoryUnitOfWork]:
        with self._alone():
            async with self._writer:
                drafts: dict[str, Any] = {name: table.draft() for name, table in self._tables()}
                subjects: dict[str, None] = {}
                yield MemoryUnitOfWork(Tables(**drafts), subjects.setdefault)
                self._commit(drafts, subjects)

    def _tables(self) -> Iterator[tuple[str, Any]]:
        return ((table.name, getattr(self._committed, table.name)) for table in fields(self._committed))

    def _commit(self, drafts: dict[str, Any], subjects: Iterable[str]) -> None:
        """Nothing here awaits: whoever looks sees all of it or none."""
        if any(draft.refused for draft in drafts.values()):
            raise RuntimeError("a refused write was swallowed")
        for name, table in self._tables():
            table.merge(drafts[name])
        self._changes.append(subjects)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task in self._inside:
            raise RuntimeError("units of work do not nest")
        self._inside.add(task)
        try:
            yield
        finally:
            self._inside.discard(task)


class MemoryDatabase:
    """Holds the built-in roles from the start; what else it holds ends with the process."""

    def __init__(self) -> None:
        self.committed = Tables()
        self.changes = MemoryAccessChanges()
        built_in = self.committed.roles.draft()
        for role in BUILT_IN:
            built_in.insert(role)
        self.committed.roles.merge(built_in)
        self.unit_of_work = MemoryUnitOfWorkFactory(self.committed, self.changes)


def _none(_: str) -> NoReturn:
    """Who only looks changes nobody's access."""
    raise RuntimeError("a reading unit of work does not write")
