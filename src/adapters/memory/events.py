from heapq import nlargest
from operator import attrgetter

from adapters.memory.tables import Table
from domain.model.events import Event
from domain.model.ids import EventId, UserId


class MemoryEventLog:
    def __init__(self, events: Table[Event]) -> None:
        self._events = events

    async def add(self, event: Event) -> None:
        self._events.writing.insert(event)

    async def list(
        self, limit: int, *, before: EventId | None = None, user_id: UserId | None = None, subject: str | None = None
    ) -> tuple[Event, ...]:
        found = (
            event
            for event in self._events
            if (before is None or event.id < before)
            and (user_id is None or event.user_id == user_id)
            and (subject is None or event.subject == subject)
        )
        return tuple(nlargest(limit, found, key=attrgetter("id")))
