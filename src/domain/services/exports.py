from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.model.actors import Actor
from domain.model.events import Event
from domain.model.identities import Identity
from domain.model.ids import UserId
from domain.model.keys import Key, KeyCard
from domain.model.members import Member
from domain.model.projects import Project
from domain.model.queries import LIMIT_MAX, Page, Query, Sort
from domain.model.roles import Role
from domain.model.sessions import Session
from domain.model.tasks import Task
from domain.model.users import User
from domain.ports.security import KeySecrets
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder

Piece = Role | Identity | Session | KeyCard | Project | Member | Task | Event
T = TypeVar("T")
_OLDEST_FIRST = (Sort("created_at"),)


@dataclass(frozen=True, slots=True)
class Export:
    """*sections* are read as they are asked for, one after the other: no more than a page is in memory at once."""

    user: User
    sections: Mapping[str, AsyncIterator[Piece]]


class ExportService:
    """Everything that is held about somebody, for themselves."""

    def __init__(self, *, uow: UnitOfWorkFactory, secrets: KeySecrets, recorder: Recorder, clock: Clock) -> None:
        self._uow = uow
        self._secrets = secrets
        self._recorder = recorder
        self._clock = clock

    async def begin(self, actor: Actor) -> Export:
        """Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation, Unavailable."""
        user_id = actor.settled_person()
        async with self._uow() as work:
            user = await work.users.get(user_id)
            roles = await work.roles.list_by_user(user_id)
            identities = await work.identities.list_by_user(user_id)
            sessions = await work.sessions.list_live_by_user(user_id, now=self._clock.now())
            await self._recorder.record(work, actor, "user.exported", user_id)
        return Export(
            user,
            {
                "roles": _each(roles),
                "identities": _each(identities),
                "sessions": _each(sessions),
                "api_keys": self._keys(user_id),
                "projects": self._projects(user_id),
                "memberships": self._memberships(user_id),
                "tasks_assigned": self._tasks_assigned(user_id),
                "tasks_created": self._tasks_created(user_id),
                "done_by_you": self._done_by(user_id),
                "done_to_you": self._done_to(user_id),
            },
        )

    async def _keys(self, user_id: UserId) -> AsyncIterator[KeyCard]:
        async for key in self._pages(lambda work, query: work.keys.list_by_owner(user_id, query)):
            yield self._card(key)

    def _projects(self, user_id: UserId) -> AsyncIterator[Project]:
        return self._pages(lambda work, query: work.projects.list_by_owner(user_id, query))

    def _memberships(self, user_id: UserId) -> AsyncIterator[Member]:
        return self._rows(
            lambda work, last: work.members.list_by_user(user_id, LIMIT_MAX, after=last.project_id if last else None)
        )

    def _tasks_assigned(self, user_id: UserId) -> AsyncIterator[Task]:
        return self._rows(
            lambda work, last: work.tasks.list_by_assignee(user_id, LIMIT_MAX, after=last.id if last else None)
        )

    def _tasks_created(self, user_id: UserId) -> AsyncIterator[Task]:
        """Of projects that they still see: others have gone on writing in the rest. That they made one, and under
        which title, is among what they did.
        """
        return self._rows(
            lambda work, last: work.tasks.list_by_creator(user_id, LIMIT_MAX, after=last.id if last else None)
        )

    async def _rows(self, page: Callable[[UnitOfWork, T | None], Awaitable[tuple[T, ...]]]) -> AsyncIterator[T]:
        """*page* is what comes after the row that it is given, from the beginning where there is none."""
        last: T | None = None
        items: tuple[T, ...] = ()
        while last is None or len(items) == LIMIT_MAX:
            async with self._uow.reading() as work:
                items = await page(work, last)
            for item in items:
                yield item
            if not items:
                return
            last = items[-1]

    async def _pages(self, page: Callable[[UnitOfWork, Query], Awaitable[Page[T]]]) -> AsyncIterator[T]:
        """Few enough for offsets: there is a quota on what somebody may own."""
        items: tuple[T, ...] = ()
        offset = 0
        while not offset or len(items) == LIMIT_MAX:
            async with self._uow.reading() as work:
                items = (await page(work, Query(limit=LIMIT_MAX, offset=offset, sorting=_OLDEST_FIRST))).items
            offset += LIMIT_MAX
            for item in items:
                yield item

    async def _done_by(self, user_id: UserId) -> AsyncIterator[Event]:
        async for event in self._events(user_id=user_id):
            yield event

    async def _done_to(self, user_id: UserId) -> AsyncIterator[Event]:
        async for event in self._events(subject=f"user:{user_id}"):
            if event.user_id != user_id:
                yield event

    async def _events(self, **of: Any) -> AsyncIterator[Event]:
        events: tuple[Event, ...] = ()
        before = None
        while before is None or len(events) == LIMIT_MAX:
            async with self._uow.reading() as work:
                events = await work.events.list(LIMIT_MAX, before=before, **of)
            for event in events:
                yield event
            if not events:
                return
            before = events[-1].id

    def _card(self, key: Key) -> KeyCard:
        return KeyCard(key, key.status(now=self._clock.now()), self._secrets.prefix_of(key.id))


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
