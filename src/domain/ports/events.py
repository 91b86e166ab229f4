from typing import Protocol

from domain.model.events import Event
from domain.model.ids import EventId, UserId


class EventLog(Protocol):
    """Append-only, and part of the unit of work: an event is kept if and only if its change is."""

    async def add(self, event: Event) -> None: ...

    async def list(
        self, limit: int, *, before: EventId | None = None, user_id: UserId | None = None, subject: str | None = None
    ) -> tuple[Event, ...]:
        """Newest first, by id: those older than *before*, done by the user or, in their name, by somebody else,
        and done to *subject*.
        """
