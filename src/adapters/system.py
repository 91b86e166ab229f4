"""The machine we run on: its clock, and ids that sort by it."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_62 = (1 << 62) - 1


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())


class Uuid7Generator:
    """RFC 9562 version 7: the milliseconds, 12 bits of their fraction, 62 random bits.

    The 60 bits of time always grow within one process: where the clock stands still or goes back, they count on
    from the last id (method 3 of section 6.2).
    """

    def __init__(self, nanoseconds: Callable[[], int] = time.time_ns) -> None:
        self._nanoseconds = nanoseconds
        self._last = 0
        self._turn = Lock()

    def new(self) -> UUID:
        with self._turn:
            tick = self._last = max((self._nanoseconds() << 12) // 1_000_000, self._last + 1)
        random = int.from_bytes(os.urandom(8), "big") & _RANDOM_62
        return UUID(int=(tick >> 12) << 80 | _VERSION_7 | (tick & 0xFFF) << 64 | _VARIANT | random)

    def name(self) -> str:
        """128 random bits: there is one for every request, and a UUID takes six times as long to make and to write."""
        return os.urandom(16).hex()
