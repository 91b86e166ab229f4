"""Adapters that only a test can want: time stands still, ids count, passwords are cheap."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from domain.model.passwords import Password

START = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """It is `START` until somebody says otherwise."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    async def sleep(self, span: timedelta) -> None:
        """For whoever sleeps, time goes by at once."""
        self.advance(span)


class CountingIds:
    """UUIDs of version 7, made at `START`, that count 1, 2, 3 in their last digits."""

    _FIRST = int(START.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62

    def __init__(self, start: int = 1) -> None:
        self._places = count(self._FIRST + start)

    def new(self) -> UUID:
        return UUID(int=next(self._places))

    def name(self) -> str:
        return str(self.new())


class ReversingPasswordHasher:
    """``reversed:`` and the password backwards; every other prefix is outdated."""

    async def hash(self, password: Password) -> str:
        return f"reversed:{password[::-1]}"

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        return password_hash is not None and password_hash.partition(":")[2] == password[::-1]

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith("reversed:")
