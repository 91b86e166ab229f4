from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, in UTC, to the microsecond."""


class IdGenerator(Protocol):
    def new(self) -> UUID:
        """Never the same twice; later ids sort after earlier ones."""
