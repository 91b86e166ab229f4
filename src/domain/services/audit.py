"""Recording what happened, in the unit of work in which it happens."""

from collections.abc import Mapping
from uuid import UUID

from domain.model.actors import Actor
from domain.model.events import Event
from domain.model.ids import EventId
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork


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
