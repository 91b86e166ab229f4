"""What Redis adds to the contract: other processes, other machines' keys, and a server that goes away."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvloop

from adapters.redis import RedisRateLimiter
from adapters.redis.scripts import CONNECTIONS
from domain.errors import Unavailable
from domain.model.limits import Policy
from tests.support.certificates import Authority
from tests.support.process import free_port
from tests.support.redis import SERVER, OwnRedis, calling, own_redis

PER_MINUTE = (Policy(3, 60),)
PROCESSES, ROUNDS, QUOTA, EACH = 4, 20, 50, 40
HAMMER = """
import asyncio, sys
from adapters.redis import RedisRateLimiter
from domain.model.limits import Policy

async def main(url, prefix, quota, each):
    limiter, policies = RedisRateLimiter(url, prefix=prefix, timeout=5), (Policy(quota, 60),)
    for line in iter(sys.stdin.readline, ""):
        hits = await asyncio.gather(*(limiter.hit(line, policies) for _ in range(each)))
        print(sum(hit.admitted for hit in hits), flush=True)
    await limiter.close()

asyncio.run(main(*sys.argv[1:3], *map(int, sys.argv[3:])))
"""


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    """What the keys of a test begin with; afterwards there are none."""
    made = f"hexkey:test:{uuid4().hex}:"
    async with calling() as redis:
        yield made
        if keys := await redis.keys(f"{made}*"):
            await redis.delete(*keys)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
async def limiter(server: OwnRedis) -> AsyncIterator[RedisRateLimiter]:
    """Over a server that may be stopped."""
    made = RedisRateLimiter(server.url, prefix=f"{uuid4().hex}:")
    await made.check()
    yield made
    await made.close()


async def admitted(limiter: RedisRateLimiter, times: int = 1, policies: tuple[Policy, ...] = PER_MINUTE) -> list[bool]:
    return [(await limiter.hit("key:1", policies)).admitted for _ in range(times)]


async def complaint(url: str) -> str:
    """What is said of a Redis that cannot be used."""
    limiter = RedisRateLimiter(url)
    try:
        for call in (limiter.hit("key:1", PER_MINUTE), limiter.refund("key:1", PER_MINUTE), limiter.check()):
            with pytest.raises(Unavailable) as refused:
                await call
        assert refused.value.__cause__ is None
        return str(refused.value)
    finally:
        await limiter.close()


class TestCounting:
    def test_four_processes_admit_exactly_the_quota_in_every_round(self, prefix: str) -> None:
        command = [sys.executable, "-c", HAMMER, SERVER, prefix, str(QUOTA), str(EACH)]
        started = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            for _ in range(PROCESSES)
        ]
        try:
            rounds = []
            for number in range(ROUNDS):
                for one in started:
                    assert one.stdin is not None
                    one.stdin.write(f"round {number}\n")
                rounds.append(sum(int(one.stdout.readline()) for one in started if one.stdout is not None))
        finally:
            for one in started:
                one.communicate(timeout=10)
        assert rounds == [QUOTA] * ROUNDS

    async def test_a_window_ends_by_the_clock_of_redis(self, prefix: str) -> None:
        limiter, policies = RedisRateLimiter(SERVER, prefix=prefix), (Policy(2, 1),)
        assert await admitted(limiter, 3, policies) == [True, True, False]
        refused = (await limiter.hit("key:1", policies)).allowances[0]
        assert 0 < refused.resets_in <= 1
        await asyncio.sleep(refused.resets_in)
        assert await admitted(limiter, 3, policies) == [True, True, False]
        await limiter.close()

    async def test_keys_end_with_their_windows_and_do_not_show_whom_they_are_about(self, prefix: str) -> None:
        limiter, policies = RedisRateLimiter(SERVER, prefix=prefix), (Policy(3, 60), Policy(9, 3600))
        for subject in ("user:ada.lovelace", "user:bob.kahn"):
            await limiter.hit(subject, policies)
            await limiter.refund(subject, policies)
        await limiter.hit("user:eve.curie", policies, cost=10)
        await limiter.refund("user:eve.curie", policies)
        async with calling() as redis:
            keys = await redis.keys(f"{prefix}*")
            ends = [await redis.ttl(key) for key in keys]
        await limiter.close()
        assert len(keys) == 4
        assert sorted(round(end, -1) for end in ends) == [60, 60, 3600, 3600]
        assert not any(name in key for name in ("lovelace", "kahn", "curie") for key in keys)

    async def test_the_windows_of_a_subject_are_in_one_slot_of_a_cluster(self, prefix: str) -> None:
        limiter = RedisRateLimiter(SERVER, prefix=prefix)
        await limiter.hit("user:ada", (Policy(3, 60), Policy(9, 3600)))
        await limiter.close()
        async with calling() as redis:
            keys = await redis.keys(f"{prefix}*")
        tags = [key.partition("{")[2].partition("}")[0] for key in keys]
        assert len(tags) == 2
        assert len(set(tags)) == 1
        assert tags[0]

    async def test_calls_of_one_moment_share_a_way_and_no_answer(self, limiter: RedisRateLimiter) -> None:
        answers = await asyncio.gather(*(limiter.hit("key:1", (Policy(quota, 60),)) for quota in range(1, 500)))
        assert [answer.allowances[0].remaining for answer in answers] == list(range(499))

    async def test_many_moments_at_once_have_few_connections(self, limiter: RedisRateLimiter, server: OwnRedis) -> None:
        async def later(moment: int) -> None:
            for _ in range(moment):
                await asyncio.sleep(0)
            await limiter.hit("key:1", PER_MINUTE)

        await asyncio.gather(*(later(moment) for moment in range(200)))
        async with calling(server.url) as redis:
            assert len(await redis.client_list()) <= CONNECTIONS + 1


class TestScripts:
    async def test_a_redis_that_does_not_know_a_script_is_told_it(
        self, limiter: RedisRateLimiter, server: OwnRedis
    ) -> None:
        async with calling(server.url) as redis:
            for expected in (2, 1, 0):
                await redis.script_flush()
                hit, _ = await asyncio.gather(limiter.hit("key:1", PER_MINUTE), limiter.refund("key:2", PER_MINUTE))
                assert hit.allowances[0].remaining == expected

    async def test_a_restart_needs_no_help(self, limiter: RedisRateLimiter, server: OwnRedis) -> None:
        assert await admitted(limiter, 4) == [True, True, True, False]
        server.kill()
        with pytest.raises(Unavailable):
            await admitted(limiter)
        server.start()
        assert await admitted(limiter, 4) == [True, True, True, False]


class TestNobodyWaits:
    async def test_who_gets_no_answer_is_told_so_after_a_tenth_of_a_second(
        self, limiter: RedisRateLimiter, server: OwnRedis
    ) -> None:
        server.pause()
        try:
            began = time.monotonic()
            hits = (limiter.hit("key:1", PER_MINUTE) for _ in range(50))
            answers = await asyncio.gather(*hits, limiter.check(), return_exceptions=True)
            assert time.monotonic() - began < 1
        finally:
            server.resume()
        assert [str(answer) for answer in answers] == ["Redis does not answer in time"] * 51

    async def test_more_calls_than_there_are_connections_wait_for_none_longer(
        self, limiter: RedisRateLimiter, server: OwnRedis
    ) -> None:
        async def later(moment: int) -> None:
            for _ in range(moment):
                await asyncio.sleep(0)
            await limiter.hit("key:1", PER_MINUTE)

        server.pause()
        try:
            answers = await asyncio.gather(*(later(moment) for moment in range(100)), return_exceptions=True)
        finally:
            server.resume()
        assert {type(answer) for answer in answers} == {Unavailable}
        assert await admitted(limiter, policies=(Policy(1000, 60),)) == [True]

    @pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
    def test_a_worker_that_stood_still_does_not_take_redis_for_the_one_who_did(
        self, server: OwnRedis, factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def standing_still() -> None:
            limiter = RedisRateLimiter(server.url, prefix=f"{uuid4().hex}:")
            try:
                await limiter.check()
                hits = [asyncio.create_task(limiter.hit("key:1", PER_MINUTE)) for _ in range(3)]
                await asyncio.sleep(0.001)
                time.sleep(0.2)  # noqa: ASYNC251 - just that
                assert [hit.admitted for hit in await asyncio.gather(*hits)] == [True] * 3
            finally:
                await limiter.close()

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(standing_still())


class TestNobodyReadsTheAnswersOfOthers:
    """CVE-2023-28858: each call has a quota of its own, which its answer shows."""

    async def test_after_calls_that_were_cancelled(self, limiter: RedisRateLimiter) -> None:
        chance = random.Random(28858)
        for turn in range(40):
            quotas = [1000 * turn + number for number in range(1, 11)]
            calls = [asyncio.create_task(limiter.hit(f"key:{quota}", (Policy(quota, 60),))) for quota in quotas]
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(chance.choice([0, 0.0002]))
            cancelled = {call for call in calls if chance.random() < 0.5 and call.cancel()}
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for quota, call, answer in zip(quotas, calls, answers, strict=True):
                assert call in cancelled or answer.allowances[0].remaining == quota - 1  # type: ignore[union-attr]

    async def test_after_calls_that_were_late(self, limiter: RedisRateLimiter, server: OwnRedis) -> None:
        async def hit(quota: int) -> Any:
            return (await limiter.hit(f"key:{quota}", (Policy(quota, 60),))).allowances[0].remaining

        for turn in range(1, 4):
            server.pause()
            late = await asyncio.gather(*(hit(1000 * turn + n) for n in range(10)), return_exceptions=True)
            server.resume()
            assert {type(answer) for answer in late} == {Unavailable}
            quotas = [1000 * turn + n for n in range(100, 150)]
            assert await asyncio.gather(*map(hit, quotas)) == [quota - 1 for quota in quotas]


class TestTheWayThere:
    async def test_a_user_and_a_password_may_hold_any_character(self, tmp_path: Path) -> None:
        with own_redis(tmp_path, "--user", "ada", "on", ">p@ss:w/rd", "~*", "+@all", "--user", "default", "off") as own:
            limiter = RedisRateLimiter(f"redis://ada:p%40ss%3Aw%2Frd@127.0.0.1:{own.port}/3")
            assert await admitted(limiter) == [True]
            await limiter.close()
            said = await complaint(f"redis://ada:canary@127.0.0.1:{own.port}")
            assert "canary" not in said
            assert "Redis cannot be used" in said

    async def test_a_socket_of_this_machine(self, server: OwnRedis) -> None:
        limiter = RedisRateLimiter(f"unix://{server.socket}?db=3")
        assert await admitted(limiter) == [True]
        await limiter.close()

    async def test_tls_with_a_certificate_that_is_verified(self, tmp_path: Path) -> None:
        authority, port = Authority(tmp_path), free_port()
        file, trusted = str(authority.file_for("localhost")), str(authority.own_file)
        tls = ("--tls-port", str(port), "--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", trusted)
        with own_redis(tmp_path, *tls, "--tls-auth-clients", "no"):
            limiter = RedisRateLimiter(f"rediss://localhost:{port}?ssl_ca_certs={trusted}", timeout=5)
            assert await admitted(limiter) == [True]
            await limiter.close()
            assert "certificate" in await complaint(f"rediss://localhost:{port}")
            assert "certificate" in await complaint(f"rediss://127.0.0.1:{port}?ssl_ca_certs={trusted}")

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:{}", "unix:///no/such/{}", "redis://{}.invalid"])
    async def test_where_nobody_is(self, url: str) -> None:
        assert "Redis" in await complaint(url.format(free_port()))

    async def test_a_server_that_may_not_be_written_to(self, tmp_path: Path) -> None:
        with own_redis(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as own:
            limiter = RedisRateLimiter(own.url)
            await limiter.check()
            with pytest.raises(Unavailable):
                await admitted(limiter)
            await limiter.close()
