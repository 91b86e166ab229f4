import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, NoReturn

from adapters.memory.access_changes import Changed, MemoryAccessChanges
from adapters.memory.attempts import MemoryAttemptRepository
from adapters.memory.events import MemoryEventLog
from adapters.memory.idempotency import MemoryIdempotencyRepository
from adapters.memory.invitations import MemoryInvitationRepository
from adapters.memory.keys import MemoryKeyRepository
from adapters.memory.mails import MemoryMailRepository
from adapters.memory.members import MemoryMemberRepository
from adapters.memory.one_time_tokens import MemoryOneTimeTokenRepository
from adapters.memory.projects import MemoryProjectRepository
from adapters.memory.roles import Membership, MemoryRoleRepository
from adapters.memory.scopes import MemoryScopeRepository
from adapters.memory.sessions import MemorySessionRepository
from adapters.memory.tables import Draft, Index, Table
from adapters.memory.tasks import MemoryTaskRepository
from adapters.memory.users import MemoryUserRepository
from adapters.memory.webhooks import MemoryWebhookRepository, Payload
from domain.errors import (
    DeliveryNotFound,
    EditConflict,
    EmailTaken,
    InvitationNotFound,
    KeyNotFound,
    MemberNotFound,
    ProjectNameTaken,
    ProjectNotFound,
    RoleNameTaken,
    RoleNotFound,
    ScopeNotFound,
    SessionNotFound,
    TaskNotFound,
    UsernameTaken,
    UserNotFound,
)
from domain.model.attempts import Attempts
from domain.model.events import Event
from domain.model.idempotency import Record
from domain.model.invitations import Invitation
from domain.model.keys import Key
from domain.model.mails import Mail
from domain.model.members import Member
from domain.model.one_time_tokens import OneTimeToken
from domain.model.projects import Project
from domain.model.roles import BUILT_IN, Role
from domain.model.scopes import Scope
from domain.model.sessions import RefreshToken, Session
from domain.model.tasks import Task
from domain.model.users import User
from domain.model.webhooks import Delivery


def _users() -> Table[User]:
    return Table(
        Index("email", attrgetter("email"), EmailTaken),
        Index("username", attrgetter("username"), UsernameTaken),
        absent=UserNotFound,
    )


def _roles() -> Table[Role]:
    return Table(Index("name", attrgetter("name"), RoleNameTaken), absent=RoleNotFound)


def _memberships() -> Table[Membership]:
    return Table(
        Index("user", attrgetter("user_id")), Index("role", attrgetter("role_id")), id_of=lambda membership: membership
    )


def _sessions() -> Table[Session]:
    return Table(
        Index("user", attrgetter("user_id")), Index("real user", attrgetter("real_user_id")), absent=SessionNotFound
    )


def _tokens() -> Table[RefreshToken]:
    return Table(Index("session", attrgetter("session_id")), id_of=attrgetter("digest"))


def _attempts() -> Table[Attempts]:
    return Table(Index("account", attrgetter("account")), id_of=attrgetter("account", "device"))


def _one_time_tokens() -> Table[OneTimeToken]:
    return Table(
        Index("user", attrgetter("user_id")),
        Index("invitation", attrgetter("invitation_id")),
        id_of=attrgetter("digest"),
    )


def _invitations() -> Table[Invitation]:
    return Table(Index("email", attrgetter("email")), absent=InvitationNotFound)


def _scopes() -> Table[Scope]:
    return Table(Index("name", attrgetter("name"), EditConflict), absent=ScopeNotFound)


def _projects() -> Table[Project]:
    return Table(
        Index("name", attrgetter("owner_id", "name"), ProjectNameTaken),
        Index("owner", attrgetter("owner_id")),
        absent=ProjectNotFound,
    )


def _members() -> Table[Member]:
    return Table(
        Index("project", attrgetter("project_id")), Index("user", attrgetter("user_id")), absent=MemberNotFound
    )


def _tasks() -> Table[Task]:
    return Table(
        Index("project", attrgetter("project_id")),
        Index("assignee", attrgetter("assignee_id")),
        Index("creator", attrgetter("creator_id")),
        absent=TaskNotFound,
    )


def _deliveries() -> Table[Delivery]:
    return Table(
        Index("name", attrgetter("source", "delivery_id")),
        Index("digest", lambda delivery: delivery.digest and (delivery.source, delivery.digest)),
        Index("source", attrgetter("source")),
        absent=DeliveryNotFound,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    users: Table[User] = field(default_factory=_users)
    roles: Table[Role] = field(default_factory=_roles)
    memberships: Table[Membership] = field(default_factory=_memberships)
    sessions: Table[Session] = field(default_factory=_sessions)
    tokens: Table[RefreshToken] = field(default_factory=_tokens)
    attempts: Table[Attempts] = field(default_factory=_attempts)
    one_time_tokens: Table[OneTimeToken] = field(default_factory=_one_time_tokens)
    invitations: Table[Invitation] = field(default_factory=_invitations)
    keys: Table[Key] = field(default_factory=lambda: Table(Index("owner", attrgetter("owner_id")), absent=KeyNotFound))
    scopes: Table[Scope] = field(default_factory=_scopes)
    projects: Table[Project] = field(default_factory=_projects)
    members: Table[Member] = field(default_factory=_members)
    tasks: Table[Task] = field(default_factory=_tasks)
    mails: Table[Mail] = field(default_factory=lambda: Table(Index("invitation", attrgetter("invitation_id"))))
    events: Table[Event] = field(default_factory=Table)
    records: Table[Record] = field(default_factory=lambda: Table(id_of=attrgetter("digest")))
    deliveries: Table[Delivery] = field(default_factory=_deliveries)
    payloads: Table[Payload] = field(default_factory=lambda: Table(absent=DeliveryNotFound))


class MemoryUnitOfWork:
    """*changed* is told every subject whose access a write has changed."""

    def __init__(self, tables: Tables, changed: Changed) -> None:
        self.users = MemoryUserRepository(tables.users, tables.memberships, changed)
        self.roles = MemoryRoleRepository(tables.roles, tables.memberships, tables.users, changed)
        self.sessions = MemorySessionRepository(tables.sessions, tables.tokens, tables.users, changed)
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
                drafts = {name: table.draft() for name, table in self._tables()}
                subjects: dict[str, None] = {}
                yield MemoryUnitOfWork(Tables(**drafts), subjects.setdefault)
                self._commit(drafts, subjects)

    def _tables(self) -> Iterator[tuple[str, Table[Any]]]:
        return ((table.name, getattr(self._committed, table.name)) for table in fields(self._committed))

    def _commit(self, drafts: dict[str, Draft[Any]], subjects: Iterable[str]) -> None:
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
