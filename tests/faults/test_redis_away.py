"""The Redis of the limits goes away: every worker admits its share, nobody fails, and everybody is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from app.composition import connect
from app.settings import load
from tests.support.process import Installation
from tests.support.redis import OwnRedis, calling, own_redis
from tests.support.service import Caller, Service, refusal

WORKERS, LIMIT = 4, 40
SHARE = LIMIT // WORKERS
READY = {"status": "ready"}
DEGRADED = {"status": "degraded", "checks": {"database": "ok", "redis": "degraded"}}
LIMITS = {
    "HEXKEY_RATE_LIMIT_ANONYMOUS": f"{LIMIT}/minute",
    "HEXKEY_RATE_LIMIT_SIGN_IN": f"{LIMIT}/minute",
    "HEXKEY_RATE_LIMIT_DEFAULT": "off",
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(tmp_path) as started:
        yield started


@asynccontextmanager
async def worker(folder: Path, redis: OwnRedis) -> AsyncIterator[Service]:
    """One of several, in this process."""
    environ = {"HEXKEY_DATA_DIR": str(folder), "HEXKEY_DATABASE_URL": "memory://", "HEXKEY_REDIS_URL": redis.url}
    service = Service(connect(load({**environ, **LIMITS, "WEB_CONCURRENCY": str(WORKERS)})))
    await service.services.start()
    try:
        yield service
    finally:
        await service.services.close()


@pytest.fixture
async def service(tmp_path: Path, redis: OwnRedis) -> AsyncIterator[Service]:
    async with worker(tmp_path, redis) as started:
        yield started


async def statuses(caller: Caller, times: int) -> list[int]:
    return [(await caller.get("/")).status_code for _ in range(times)]


async def readiness(service: Service) -> object:
    answer = await service.anyone.get("/health/ready")
    assert answer.status_code == 200
    return answer.json()


async def require_recovery(service: Service) -> None:
    """Within two seconds, and by requests alone."""
    began = time.monotonic()
    while await readiness(service) != READY:
        assert time.monotonic() - began < 2
        await asyncio.sleep(0.02)


def stop(redis: OwnRedis) -> Callable[[], None]:
    redis.pause()
    return redis.resume


def kill(redis: OwnRedis) -> Callable[[], None]:
    redis.kill()
    return redis.start


each_way_to_go = pytest.mark.parametrize("go", [stop, kill])


@each_way_to_go
async def test_a_worker_admits_its_share_while_redis_is_away_and_counts_with_all_again(
    service: Service, redis: OwnRedis, go: Callable[[OwnRedis], Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    assert await readiness(service) == READY
    come_back = go(redis)
    began = time.monotonic()
    assert await statuses(service.at("198.51.100.1"), LIMIT) == [200] * SHARE + [429] * (LIMIT - SHARE)
    assert time.monotonic() - began < 2, "somebody waited for what is known to be away"
    assert await readiness(service) == DEGRADED
    come_back()
    await require_recovery(service)
    assert await statuses(service.at("198.51.100.2"), LIMIT + 1) == [200] * LIMIT + [429]
    told = [record.getMessage() for record in caplog.records if record.name == "hexkey.limits"]
    assert [line.partition(":")[0] for line in told] == [
        "this worker counts limits by itself, and admits its share",
        "all workers count limits together again",
    ]


@each_way_to_go
async def test_under_load_nobody_fails_whenever_redis_goes_and_comes(
    service: Service, redis: OwnRedis, go: Callable[[OwnRedis], Callable[[], None]]
) -> None:
    seen: list[int] = []
    enough = asyncio.Event()

    async def load(number: int) -> None:
        while not enough.is_set():
            seen.append((await service.at(f"198.51.100.{number}").get("/")).status_code)
            await asyncio.sleep(0.002)

    loading = [asyncio.create_task(load(number)) for number in range(8)]
    await asyncio.sleep(0.2)
    come_back = go(redis)
    await asyncio.sleep(0.3)
    come_back()
    await require_recovery(service)
    enough.set()
    await asyncio.gather(*loading)
    assert set(seen) <= {200, 429}
    assert len(seen) > 100


async def test_all_workers_together_admit_no_more_than_the_limit_while_it_is_away(
    tmp_path: Path, redis: OwnRedis
) -> None:
    redis.kill()
    seen: list[int] = []
    for _ in range(WORKERS):
        async with worker(tmp_path, redis) as one:
            seen += await statuses(one.at("198.51.100.1"), LIMIT)
    assert (seen.count(200), set(seen)) == (LIMIT, {200, 429})


async def test_while_it_is_there_workers_share_one_limit(tmp_path: Path, redis: OwnRedis) -> None:
    async with worker(tmp_path, redis) as one, worker(tmp_path, redis) as other:
        assert await statuses(one.anyone, 15) == [200] * 15
        assert await statuses(other.anyone, LIMIT) == [200] * (LIMIT - 15) + [429] * 15
        assert await statuses(one.anyone, 1) == [429]


async def test_who_guesses_passwords_is_counted_without_it_too(service: Service, redis: OwnRedis) -> None:
    redis.kill()
    guesser = service.at("198.51.100.1")
    answers = [
        await guesser.token(grant_type="password", username=f"user{n}@example.org", password="wrong")
        for n in range(SHARE + 3)
    ]
    assert [answer.status_code for answer in answers] == [400] * SHARE + [429] * 3
    assert refusal(answers[-1]) == (429, "quota_exceeded")
    ada = await service.user("ada@example.org")
    assert (await ada.get("/v1/whoami")).status_code == 200


async def test_flushed_it_counts_from_nothing_and_is_not_away(service: Service, redis: OwnRedis) -> None:
    assert await statuses(service.anyone, LIMIT + 1) == [200] * LIMIT + [429]
    async with calling(redis.url) as client:
        await client.flushall()
        await client.script_flush()
    assert await statuses(service.anyone, LIMIT + 1) == [200] * LIMIT + [429]
    assert await readiness(service) == READY


async def test_a_service_starts_without_it_and_finds_it_later(tmp_path: Path, redis: OwnRedis) -> None:
    redis.kill()
    async with worker(tmp_path, redis) as service:
        assert await readiness(service) == DEGRADED
        assert await statuses(service.anyone, SHARE + 1) == [200] * SHARE + [429]
        redis.start()
        await require_recovery(service)


def test_two_processes_of_a_server_share_one_limit(tmp_path: Path, redis: OwnRedis) -> None:
    installed = Installation(tmp_path, {**LIMITS, "HEXKEY_REDIS_URL": redis.url})
    installed.migrate()
    anew = httpx.Limits(max_keepalive_connections=0)  # each request may reach another process
    with installed.server(workers=2) as server, httpx.Client(limits=anew) as client:
        seen = [client.get(server.url).status_code for _ in range(LIMIT + 5)]
        assert seen == [200] * LIMIT + [429] * 5
        assert server.stop() == 0
    assert "counts by itself" not in server.said
    assert "nothing uses it yet" not in server.said
