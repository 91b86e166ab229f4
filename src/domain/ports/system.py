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

    def name(self) -> str:
        """Never the same twice, in no order; letters, digits and dashes, 64 at the most: what a request is called."""
