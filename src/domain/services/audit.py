"""Recording what happened, in the unit of work in which it happens; and reading it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Invalid
from domain.model.actors import Actor
from domain.model.events import Event
from domain.model.ids import EventId, UserId
from domain.model.permissions import AuditPermission
from domain.ports.security import Cursors
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


class Recorder:
    def __init__(self, *, clock: Clock, ids: IdGenerator) -> None:
        self._clock = clock
        self._ids = ids

    async def record(
        self,
        work: UnitOfWork,
        actor: Actor,
        action: str,
        subject: UUID | None,
        changes: Mapping[str, object] | None = None,
    ) -> None:
        """Keep that *actor* did *action*, such as ``project.created``, to *subject*; None is one nobody knows."""
        event = Event.by(actor, action, subject, id=EventId(self._ids.new()), now=self._clock.now(), changes=changes)
        await work.events.add(event)


@dataclass(frozen=True, slots=True)
class Trail:
    """Events, newest first; *next* is a cursor, None at the end."""

    events: tuple[Event, ...]
    next: str | None


class AuditService:
    def __init__(self, *, uow: UnitOfWorkFactory, cursors: Cursors) -> None:
        self._uow = uow
        self._cursors = cursors

    async def list(
        self,
        actor: Actor,
        limit: int,
        *,
        cursor: str | None = None,
        user_id: UserId | None = None,
        subject: str | None = None,
    ) -> Trail:
        """What happened: all of it, or what *user_id* did, or what was done to *subject*, such as ``user:0192…``.

        Raises PermissionDenied, Invalid for a cursor that is forged or belongs to another list.
        """
        actor.require(AuditPermission.READ)
        which = f"audit-events user_id={user_id or ''} subject={subject or ''}"
        before = None if cursor is None else self._place(cursor, which)
        async with self._uow.reading() as work:
            events = await work.events.list(limit + 1, before=before, user_id=user_id, subject=subject)
        shown = events[:limit]
        goes_on = len(events) > limit
        return Trail(shown, self._cursors.sign(str(shown[-1].id), of=which) if goes_on else None)

    def _place(self, cursor: str, which: str) -> EventId:
        if (place := self._cursors.read(cursor, of=which)) is None:
            raise Invalid("cursor", "is not one that this list handed out")
        return EventId(UUID(place))
