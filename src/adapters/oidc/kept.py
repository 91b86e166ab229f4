"""What is fetched when it is needed, and again when it is old."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from domain.ports.system import Clock

LIFETIME: Final = timedelta(minutes=10)
PAUSE: Final = timedelta(seconds=60)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[_T]):
    value: _T
    since: datetime


class Kept(Generic[_T]):
    """However many ask, one fetches and the others wait for it. A failure is not kept: whoever comes next tries anew.

    Raises whatever *fetch* raises.
    """

    def __init__(self, fetch: Callable[[], Awaitable[_T]], *, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._turn = asyncio.Lock()
        self._entry: _Entry[_T] | None = None
        self._renewed_at: datetime | None = None

    async def get(self) -> _T:
        if (entry := self._fresh()) is not None:
            return entry.value
        async with self._turn:
            entry = self._fresh() or await self._refresh()
            return entry.value

    async def renewed(self) -> _T:
        """For whoever misses something in it: a newer one, but at most once in `PAUSE`, however that went."""
        async with self._turn:
            entry, now = self._fresh(), self._clock.now()
            if entry is None or not _is_within(now, self._renewed_at, PAUSE):
                self._renewed_at = now
                entry = await self._refresh()
            return entry.value

    def _fresh(self) -> _Entry[_T] | None:
        entry = self._entry
        return entry if entry and _is_within(self._clock.now(), entry.since, LIFETIME) else None

    async def _refresh(self) -> _Entry[_T]:
        """Its age counts from before it was asked for."""
        since = self._clock.now()
        self._entry = _Entry(await self._fetch(), since)
        return self._entry


def _is_within(now: datetime, since: datetime | None, span: timedelta) -> bool:
    """A clock that was set back makes old what seems to be of the future."""
    return since is not None and since <= now < since + span
