"""Many do all kinds of things on four workers, while a worker is killed every few seconds, PostgreSQL is restarted and
crashes, and Redis stops: nobody is told 500, nothing that was acknowledged is lost, and limits are never off.

``HEXKEY_TEST_MIXED`` is for how many seconds, and ``HEXKEY_TEST_SOAK`` for how many the same goes on with nobody in its
way, while their memory is watched; ``make soak SECONDS=3600`` says both.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.support.clusters import Cluster, cluster
from tests.support.mixed import LIMIT, Mixed
from tests.support.process import Installation, Server
from tests.support.redis import OwnRedis

SECONDS = float(os.environ.get("HEXKEY_TEST_MIXED", "24"))
SOAK = float(os.environ.get("HEXKEY_TEST_SOAK", "0"))
WORKERS = 4
KILLED_EVERY = 10.0
ROUND = 12.0
"""For how long PostgreSQL and Redis are tormented in turns."""
WINDOW = 60.0


@pytest.fixture
def postgres() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    started = OwnRedis(tmp_path)
    started.start()
    yield started
    started.kill()


@pytest.fixture
def server(postgres: Cluster, redis: OwnRedis, tmp_path: Path) -> Iterator[Server]:
    settings = {"HEXKEY_DATABASE_URL": postgres.url, "HEXKEY_REDIS_URL": redis.url}
    installed = Installation(tmp_path, settings)
    installed.migrate()
    with installed.server(workers=WORKERS) as started:
        yield started


async def test_nothing_is_lost_and_nobody_meets_a_failure(server: Server, postgres: Cluster, redis: OwnRedis) -> None:
    load, recoveries = Mixed(server), []
    async with load.running(), killing(server):
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for torment in ("fast", "immediate", "redis"):
                began = time.monotonic()
                await tormented(torment, postgres, redis)
                recoveries.append((torment, await recovered(load)))
                await asyncio.sleep(max(0.5, ROUND / 3 - (time.monotonic() - began)))
    told(load, recoveries)
    assert load.failures == []
    assert load.answers[500] == 0, server.said
    assert load.answers[200] > 100
    assert most_in_a_window(load.limited) <= 3 * LIMIT, "on Redis, in the next window, and meanwhile in the workers"
    await everything_is_there(server, load)


@pytest.mark.skipif(SOAK == 0, reason="it takes its time: make soak")
async def test_left_alone_the_workers_stay_as_large_as_they_are(server: Server) -> None:
    """After a tenth of the time, in which what they remember fills up."""
    load, sizes = Mixed(server), []
    async with load.running():
        for _ in range(100):
            await asyncio.sleep(SOAK / 100)
            sizes.append(sum(map(resident, server.workers())))
    told(load, [])
    before, after = median(sizes[10:20]), median(sizes[-10:])
    print(f"{WORKERS} workers: {before / 2**20:.1f} MiB, and {after / 2**20:.1f} MiB {SOAK:.0f} s later")
    assert (load.failures, load.dropped, load.answers[503]) == ([], 0, 0)
    assert after <= before * 1.05


def resident(worker: int) -> int:
    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


async def tormented(torment: str, postgres: Cluster, redis: OwnRedis) -> None:
    if torment == "redis":
        redis.pause()
        await asyncio.sleep(1.5)
        redis.resume()
        return
    await asyncio.to_thread(postgres.stop, torment)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(postgres.start)


async def recovered(load: Mixed) -> float:
    """After how many seconds a write is acknowledged that was asked for from now on."""
    now = time.monotonic()
    async with asyncio.timeout(20):
        while not [answered for asked, answered in load.writes[-20:] if asked >= now]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return min(answered for asked, answered in load.writes[-20:] if asked >= now) - now


@asynccontextmanager
async def killing(server: Server) -> AsyncIterator[None]:
    """One worker after another; its supervisor starts the next."""

    async def kill() -> None:
        while True:
            await asyncio.sleep(KILLED_EVERY)
            for worker in server.workers()[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)

    task = asyncio.create_task(kill())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def everything_is_there(server: Server, load: Mixed) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        for person in load.people:
            kept = {}
            path: str | None = "/v1/projects?limit=200"
            while path is not None:
                page = (await http.get(path, headers=person.bearer)).json()
                kept |= {project["id"]: project["name"] for project in page["data"]}
                path = page["next"] and f"/v1/projects?limit=200&cursor={page['next']}"
            assert person.projects.keys() <= kept.keys()
            sure = person.projects.keys() - person.doubtful
            assert {one: kept[one] for one in sure} == {one: person.projects[one] for one in sure}
            for key in person.revoked:
                assert (await http.get("/v1/whoami", headers={"x-api-key": key})).status_code == 401


def most_in_a_window(moments: list[float]) -> int:
    return max((sum(began <= moment < began + WINDOW for moment in moments) for began in moments), default=0)


def told(load: Mixed, recoveries: list[tuple[str, float]]) -> None:
    print(f"\nanswers {dict(sorted(load.answers.items()))}, {load.dropped} connections lost with their worker")
    for torment, seconds in recoveries:
        print(f"a write {seconds:.2f} s after the end of: {torment}")
    print(f"the limited key was admitted {most_in_a_window(load.limited)} times in a minute at most ({LIMIT}/minute)")
