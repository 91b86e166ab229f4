from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from random import SystemRandom

from domain.model.leases import EVERYTHING, Change, Changes

Changed = Callable[[str], object]
"""Told the subject of each change of access, in the unit of work in which it is made."""

_marks = SystemRandom()


class MemoryAccessChanges:
    """Rows as they were committed; it begins with one, so that there is always a newest."""

    def __init__(self) -> None:
        self._rows: list[tuple[Change, datetime]] = []
        self.append([EVERYTHING])

    @property
    def newest(self) -> int:
        return self._rows[-1][0].seq

    def append(self, subjects: Iterable[str]) -> None:
        at = datetime.now(UTC)
        for subject in subjects:
            seq = self.newest + 1 if self._rows else 1
            self._rows.append((Change(seq, _marks.getrandbits(63), subject), at))

    async def read(self, since: int | None, limit: int) -> Changes:
        first = self.newest if since is None else since
        rows = (row for row, _ in self._rows if row.seq >= first)
        return Changes(tuple(row for row, _ in zip(rows, range(limit), strict=False)))

    async def flush(self) -> None:
        self.append([EVERYTHING])

    async def prune(self, before: datetime) -> None:
        *older, newest = self._rows
        self._rows = [*(row for row in older if row[1] >= before), newest]
