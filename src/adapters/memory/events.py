from heapq import nlargest
from operator import attrgetter

from adapters.memory.tables import Table
from domain.model.events import Event


class MemoryEventLog:
    def __init__(self, events: Table[Event]) -> None:
        self._events = events

    async def add(self, event: Event) -> None:
        self._events.writing.insert(event)

    async def latest(self, limit: int) -> tuple[Event, ...]:
        return tuple(nlargest(limit, self._events, key=attrgetter("id")))
