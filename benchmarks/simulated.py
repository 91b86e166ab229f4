"""A thousand workers on one database, simulated: the real `LeasedDirectory` in each, under a clock that jumps.

``python -m benchmarks.simulated [--workers 1000] [--look 40] [--way 0.3]`` says how long revoked keys were accepted
after the commit, and how busy the looks at what was revoked kept one core of the database. *look* is what one costs
there, in microseconds: ``python -m benchmarks scale`` measures it.
"""

import argparse
import asyncio
import random
import selectors
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from adapters.leases import LeasedDirectory
from domain.errors import Unavailable
from domain.model.leases import Change, Changes, LeaseTerms

TERMS = LeaseTerms()
LOST, STALL = 0.001, 0.002
"""Parts of the looks whose answer never comes, and of those that a worker stalls before, for up to a second."""
WARM = 2.0
START = datetime(2026, 1, 1, tzinfo=UTC)


class Jumping(selectors.SelectSelector):
    """Nobody waits: where the loop would, its clock moves on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits for somebody else")
        self.now += max(0.0, timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@dataclass
class Database:
    """One core, that answers looks in their order; each takes *cost* seconds of it, and *way* there and back again on
    average, of which a tenth is chance.
    """

    cost: float
    way: float
    rows: list[Change] = field(default_factory=lambda: [Change(1, 1, "*")])
    at: list[float] = field(default_factory=lambda: [0.0])
    free_at: float = 0.0
    busy: float = 0.0
    looks: int = 0

    def revoke(self, now: float) -> None:
        self.rows.append(Change(len(self.rows) + 1, random.getrandbits(63), f"key:{len(self.rows)}"))
        self.at.append(now)

    async def read(self, since: int | None, limit: int) -> Changes:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._under_way())
        self.free_at = max(self.free_at, loop.time()) + self.cost
        self.busy, self.looks = self.busy + self.cost, self.looks + 1
        await asyncio.sleep(self.free_at - loop.time())
        seen = self.rows[-1:] if since is None else self.rows[since - 1 :]
        await asyncio.sleep(3600 if random.random() < LOST else self._under_way())
        return Changes(tuple(seen[:limit]), "monday")

    def _under_way(self) -> float:
        return self.way * (0.9 + random.expovariate(10))

    async def flush(self) -> None: ...
    async def prune(self, before: datetime) -> None: ...


class Clock:
    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, for_: timedelta) -> None:
        await asyncio.sleep(for_.total_seconds())


class Nobody:
    """No credential is read: what is asked is how long a remembered one would have been accepted."""

    async def find_key(self, key_id: object) -> None: ...
    async def find_session(self, session_id: object) -> None: ...
    def is_current(self, grant: object) -> bool:
        return False


@dataclass
class Told:
    """*stale* is, for each worker and revocation, how long after the commit it still accepted, in seconds."""

    stale: list[float] = field(default_factory=list)
    without: float = 0.0
    """Seconds of all workers in which one had no lease, and read for each request."""


async def work(database: Database, told: Told) -> None:
    """A worker that looks as ours do; it stops accepting what was revoked when it hears of it, or its lease ends."""
    loop = asyncio.get_running_loop()
    directory = LeasedDirectory(Nobody(), database, clock=Clock(), terms=TERMS, boot_time=loop.time)
    await asyncio.sleep(random.uniform(0, TERMS.period))
    heard = 1
    while True:
        if random.random() < STALL:
            await asyncio.sleep(random.uniform(0, 1))
        lease = directory._lease
        try:
            await directory.follow()
        except Unavailable:
            pass
        else:
            now, last = loop.time(), directory._last
            told.without += max(0.0, now - lease) if lease > 0 else 0.0
            for place in range(heard, last[0] if last else heard):
                told.stale.append(max(0.0, min(now, lease) - database.at[place]))
            heard = last[0] if last else heard
        await asyncio.sleep(TERMS.period * random.uniform(0.8, 1.0))


async def play(workers: int, cost: float, way: float, seconds: float) -> Mapping[str, float]:
    loop, database, told = asyncio.get_running_loop(), Database(cost, way), Told()
    running = [asyncio.create_task(work(database, told)) for _ in range(workers)]
    await asyncio.sleep(WARM)
    told.stale.clear()
    told.without, database.busy, database.looks, began = 0.0, 0.0, 0, loop.time()
    while loop.time() < began + seconds:
        await asyncio.sleep(random.expovariate(5))
        database.revoke(loop.time())
    await asyncio.sleep(TERMS.trust)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    lasted, cuts = loop.time() - began, quantiles(told.stale, n=1000)
    return {
        "looks a second": database.looks / lasted,
        "of a core of the database": database.busy / lasted,
        "half of them knew after, ms": cuts[499] * 1000,
        "99 of 100 after, ms": cuts[989] * 1000,
        "the last after, ms": max(told.stale) * 1000,
        "of the time without a lease": told.without / lasted / workers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--look", type=float, default=40.0, help="what one costs the database, in microseconds")
    parser.add_argument("--way", type=float, default=0.3, help="to the database, and as long back, in milliseconds")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    for workers in asked.workers:
        random.seed(1)
        with asyncio.Runner(loop_factory=Loop) as runner:
            found = runner.run(play(workers, asked.look / 1e6, asked.way / 1e3, asked.seconds))
        figures = ", ".join(f"{what} {figure:.4g}" for what, figure in found.items())
        print(f"{workers} workers, {asked.look:g} µs a look, {asked.way:g} ms away: {figures}", flush=True)


if __name__ == "__main__":
    main()
