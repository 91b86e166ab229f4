from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, in UTC, to the microsecond."""

    async def sleep(self, span: timedelta) -> None:
        """Returns when *span* is over, whatever somebody sets the time to meanwhile."""


class IdGenerator(Protocol):
    def new(self) -> UUID:
        """Never the same twice; later ids sort after earlier ones."""

    def text(self) -> str:
        """``str`` of a new one: for every request there is one, and nobody needs it as a UUID."""
