import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic
from uuid import UUID

from adapters.leases.book import Book, Entry, G, boot_time
from domain.errors import Unavailable
from domain.model.access import Grant, KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId
from domain.model.leases import EVERYTHING, Changes, LeaseTerms
from domain.ports.access import AccessChanges, AccessDirectory
from domain.ports.system import Clock


class LeasedDirectory:
    """A hit makes no I/O and does not wait. What is not known, or no longer trusted, is read; what cannot be read is
    refused with Unavailable.
    """

    def __init__(
        self,
        source: AccessDirectory,
        changes: AccessChanges,
        *,
        clock: Clock,
        terms: LeaseTerms | None = None,
        boot_time: Callable[[], float] = boot_time,
    ) -> None:
        self._source = source
        self._changes = changes
        self._clock = clock
        self._terms = terms or LeaseTerms()
        self._trust = self._terms.trust
        self._max_age = self._terms.max_age.total_seconds()
        self._boot_time = boot_time
        self._book = Book()
        self._lease = float("-inf")
        self._last: tuple[int, int] | None = None
        self._origin: str | None = None
        self._reads: dict[tuple[type[Grant], UUID], _Read[Any]] = {}
        self._looked = float("-inf")
        self.misses = 0
        """How often a lookup had to read, or to wait for somebody's read."""
        self.evictions = 0
        """How often the oldest entry made room for another."""
        self.lag = float("inf")
        """Seconds between the beginnings of the last two looks that renewed the lease: how late news may have come."""

    @property
    def age(self) -> float:
        """Seconds since the beginning of the last look that renewed the lease; infinite before the first."""
        return self._boot_time() - self._looked

    @property
    def size(self) -> int:
        return len(self._book.entries)

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        if isinstance(grant := self.hit(key_id), KeyGrant):
            return grant
        return await self._find(key_id, self._source.find_key, KeyGrant)

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        if isinstance(grant := self.hit(session_id), SessionGrant):
            return grant
        return await self._find(session_id, self._source.find_session, SessionGrant)

    def is_current(self, grant: Grant) -> bool:
        return self.hit(grant.id) is grant

    def hit(self, id: UUID) -> Grant | None:
        """What is known and good now. The clock is read last: no time passes between it and the decision."""
        lease, entry = self._lease, self._book.find(id)
        if entry is None:
            return None
        now = self._boot_time()
        good = now < entry.deadline and (now < lease or now < entry.start + self._trust)
        return entry.grant if good else None

    def heard(self, seqs: Mapping[str, int]) -> None:
        """What this very worker has just committed: it need not wait for a look to tell it."""
        for subject, seq in seqs.items():
            self._book.note(subject, seq)

    async def follow(self) -> None:
        """Look once at what has changed, and renew the lease from when the look began. Raises Unavailable.

        Between what was seen and the lease there is no await: nobody decides by one without the other.
        """
        start, last = self._boot_time(), self._last
        seen = await self._look(None if last is None else last[0])
        if not seen.is_primary:
            return
        if not self._goes_on(seen, last):
            self._begin_anew(seen)
            return
        for change in seen.rows[1:]:
            self._book.note(change.subject, change.seq)
        newest = seen.rows[-1]
        self._last = (newest.seq, newest.mark)
        self._lease = max(self._lease, start + self._trust)
        self.lag, self._looked = start - self._looked, start

    async def _look(self, since: int | None) -> Changes:
        try:
            async with asyncio.timeout(self._trust):
                return await self._changes.read(since, self._terms.rows + 2)
        except TimeoutError:
            raise Unavailable("the changes of access cannot be read in time") from None

    def _goes_on(self, seen: Changes, last: tuple[int, int] | None) -> bool:
        """Whether *seen* is the history that we know, gone on, and short enough to follow."""
        if not seen.rows:
            return False
        first, *more = seen.rows
        return (
            last == (first.seq, first.mark)
            and seen.source == self._origin
            and len(self._book.changed) + len(more) <= self._terms.rows
            and all(change.subject != EVERYTHING for change in more)
        )

    def _begin_anew(self, seen: Changes) -> None:
        """Nothing that was read before counts; the next look continues from the newest row there is."""
        self._book = Book()
        self._lease = float("-inf")
        self._origin = seen.source
        whole = 0 < len(seen.rows) < self._terms.rows + 2
        self._last = (seen.rows[-1].seq, seen.rows[-1].mark) if whole else None

    async def _find(self, id: UUID, find: Callable[[Any], Awaitable[G | None]], kind: type[G]) -> G | None:
        """Read it, or wait for somebody else's read of the same: what it is worth to them it is to who waited. If who
        read was cancelled, the next one reads.
        """
        self.misses += 1
        while (reading := self._reads.get((kind, id))) is not None:
            await reading.wait(self._terms.waiting)
            if reading.is_done:
                return self._in_time(reading.entry)
        reading = self._reads[kind, id] = _Read[G]()
        try:
            reading.entry = await self._filled(id, find)
            reading.is_done = True
        except Unavailable as refusal:
            reading.refusal = str(refusal)
            raise
        finally:
            del self._reads[kind, id]
            reading.over.set()
        return self._in_time(reading.entry)

    async def _filled(self, id: UUID, find: Callable[[Any], Awaitable[G | None]]) -> Entry[G] | None:
        """What was noted before the read decides whether it may be kept, not what is there after it."""
        book, noted, start, asked = self._book, self._last, self._boot_time(), self._clock.now()
        try:
            async with asyncio.timeout(self._trust):
                grant = await find(id)
        except TimeoutError:
            raise _late() from None
        if grant is None:
            return None
        if noted is not None and book is self._book and grant.seq < noted[0]:
            raise Unavailable("what credentials may do was read from a source that lags behind")
        turn = grant.next_turn(now=asked)
        lasts = self._max_age if turn is None else min(self._max_age, (turn - asked).total_seconds())
        entry = Entry(grant, start, start + lasts)
        self.evictions += book.keep(entry, at_most=self._terms.entries)
        return entry

    def _in_time(self, entry: Entry[G] | None) -> G | None:
        """What was just read, asked of the clock last."""
        if entry is None:
            return None
        if self._boot_time() >= min(entry.deadline, entry.start + self._trust):
            raise _late()
        return entry.grant


def _late() -> Unavailable:
    return Unavailable("what credentials may do cannot be read in time")


class _Read(Generic[G]):
    """One that is under way, and how many wait for it."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.is_done = False
        self.entry: Entry[G] | None = None
        self.refusal: str | None = None
        self._waiting = 0

    async def wait(self, at_most: int) -> None:
        """Raises Unavailable as the read did, or where *at_most* wait already."""
        if self._waiting >= at_most:
            raise Unavailable("too many are waiting for the same read")
        self._waiting += 1
        try:
            await self.over.wait()
        finally:
            self._waiting -= 1
        if self.refusal is not None:
            raise Unavailable(self.refusal)
