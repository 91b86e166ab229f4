"""A database, its clocks and a worker's cache of it, each of whose steps a test takes by hand.

A read has three: it begins, it looks, its answer arrives. So has a look at the changes. In between anything may happen,
and time passes only when somebody says so.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from adapters.leases import LeasedDirectory
from domain.errors import Unavailable
from domain.model.access import Grant, KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId
from domain.model.leases import EVERYTHING, Change, Changes, LeaseTerms, subject
from domain.model.scopes import Catalogue
from tests.support.examples import a_key, a_role, a_user
from tests.support.fakes import START

TERMS = LeaseTerms(rows=4)
PROMISE = TERMS.promise.total_seconds()
OWNER, ROLE = a_user(), a_role()
KEY = a_key(OWNER)
ABOUT_KEY, ABOUT_USER, ABOUT_ROLE = subject("key", KEY.id), subject("user", OWNER.id), subject("role", ROLE.id)
ABOUT_OTHERS = subject("key", a_key(OWNER).id)


class Pause:
    """Whoever awaits it stands still until the next step."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class World:
    """Source, changes and clock at once. *worker* and *revoker* say how fast their clocks run.

    *receipt* is when the promise to the revoker falls due, in true time; *lag* how many rows a read is behind.
    """

    def __init__(self, worker: float = 1.0, revoker: float = 1.0) -> None:
        self.time = 1000.0
        self.rows = [Change(seq, seq, ABOUT_OTHERS) for seq in range(1, 6)]
        self.start = "monday"
        self.is_primary = True
        self.good = True
        self.ends_at: float | None = None
        self.receipt = float("inf")
        self.lag = 0
        self._worker = worker
        self._revoker = revoker
        self._marks = 1000

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def boot_time(self) -> float:
        return self.time * self._worker

    def append(self, *subjects: str) -> None:
        for each in subjects:
            self._marks += 1
            self.rows.append(Change(self.rows[-1].seq + 1, self._marks, each))

    def revoke(self, *subjects: str) -> None:
        """The key is good no longer, and *subjects* tell of it."""
        self.append(*subjects)
        self.good = False
        self.receipt = self.time + PROMISE / self._revoker

    def end_key(self, *, after: float) -> None:
        """Time will end it, and no row tells of that."""
        self.ends_at = self.receipt = self.time + after

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        await Pause()
        seen = self._seen(key_id)
        await Pause()
        return seen

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        await Pause()
        await Pause()
        return None

    def is_current(self, grant: Grant) -> bool:
        return False

    async def read(self, since: int | None, limit: int) -> Changes:
        await Pause()
        rows = self.rows[-1:] if since is None else [row for row in self.rows if row.seq >= since][:limit]
        seen = Changes(tuple(rows), self.start, self.is_primary)
        await Pause()
        return seen

    async def flush(self) -> None:
        self.append(EVERYTHING)

    async def prune(self, before: datetime) -> None:
        del self.rows[:-1]

    def _seen(self, key_id: KeyId) -> KeyGrant:
        good = self.lag > 0 or (self.good and (self.ends_at is None or self.time < self.ends_at))
        return _granted(key_id, good, self.ends_at if good else None, self.rows[-1 - self.lag].seq)


@cache
def _granted(key_id: KeyId, good: bool, ends_at: float | None, seq: int) -> KeyGrant:
    ends = None if ends_at is None else START + timedelta(seconds=ends_at)
    key = replace(KEY, id=key_id, expires_at=ends, revoked_at=None if good else START)
    return KeyGrant.resolve(key, owner_is_active=True, owner_roles=(ROLE,), catalogue=Catalogue(), seq=seq)


def is_accepted(grant: Grant | None) -> bool:
    return isinstance(grant, KeyGrant) and grant.key.revoked_at is None


Kind = Callable[..., LeasedDirectory]


class Worker:
    """Its cache of *world*, which has looked twice: it holds a lease."""

    def __init__(self, world: World, kind: Kind = LeasedDirectory, terms: LeaseTerms = TERMS) -> None:
        self.world = world
        self.directory = kind(world, world, clock=world, terms=terms, boot_time=world.boot_time)
        self.finish(self.look(), self.look())

    def finish(self, *works: Coroutine[Any, Any, Any]) -> None:
        """All steps of one after the other."""
        for work in works:
            for _ in Steps(work):
                pass

    async def look(self) -> None:
        with suppress(Unavailable):
            await self.directory.follow()

    async def looks(self) -> None:
        await self.look()
        await Pause()
        await self.look()

    async def read(self) -> None:
        with suppress(Unavailable):
            self._judge(await self.directory.find_key(KEY.id))

    @property
    def knows(self) -> bool:
        return self.directory.hit(KEY.id) is not None

    def ask(self) -> None:
        """What it would say this very moment."""
        self._judge(self.directory.hit(KEY.id))

    def let_pass(self, seconds: float) -> None:
        """Time, that stops when the receipt falls due, for then it counts."""
        until = self.world.time + seconds
        if self.world.time < self.world.receipt <= until:
            self.world.time = self.world.receipt
            self.ask()
        self.world.time = until
        self.ask()

    def _judge(self, grant: Grant | None) -> None:
        if is_accepted(grant) and self.world.time >= self.world.receipt:
            raise AcceptedTooLate(self.world.time - self.world.receipt)


class AcceptedTooLate(AssertionError):
    """So many seconds after the receipt somebody decided to accept what it says is refused."""


@dataclass
class Steps:
    """What *work* does from one pause to the next."""

    work: Coroutine[Any, Any, Any]
    is_over: bool = False
    waits_for: "asyncio.Future[Any] | None" = None

    def step(self) -> None:
        """Nothing, while it waits for another."""
        if self.is_over or (self.waits_for is not None and not self.waits_for.done()):
            return
        try:
            self.waits_for = self.work.send(None)
        except StopIteration:
            self.is_over = True
        except BaseException:
            self.is_over = True
            raise

    def __iter__(self) -> Iterator[None]:
        while not self.is_over:
            self.step()
            yield

    def drop(self) -> None:
        """It is cancelled."""
        self.is_over = True
        self.work.close()


def reading(worker: Worker) -> Steps:
    """Whatever comes of it."""
    return Steps(worker.directory.find_key(KEY.id))


def refusal_of(steps: Steps) -> str:
    """Why it is Unavailable in the end."""
    with pytest.raises(Unavailable) as refused:
        for _ in steps:
            pass
    return str(refused.value)
