from typing import Protocol

from domain.model.events import Event


class EventLog(Protocol):
    """Append-only, and part of the unit of work: an event is kept if and only if its change is."""

    async def add(self, event: Event) -> None: ...

    async def latest(self, limit: int) -> tuple[Event, ...]:
        """Newest first, by id."""
