"""The published suite of limiters, over memcached.

``HEXKEY_TEST_MEMCACHED`` is ``host:port`` of one. Without one these tests are skipped, unless ``HEXKEY_TEST_REQUIRE``
names ``memcached``: then they fail.
"""

import asyncio
import os
from contextlib import asynccontextmanager
from uuid import uuid4

import aiomcache
import pytest
from hexkey_contracts.suites.test_limits import *  # noqa: F403 - every test of the suite
from hexkey_contracts.support.counting import Limits

from domain.errors import Unavailable
from domain.model.limits import Policy
from examples.memcached_limits.limiter import MemcachedRateLimiter

SERVER = os.environ.get("HEXKEY_TEST_MEMCACHED", "127.0.0.1:11211")
REQUIRED = os.environ.get("HEXKEY_TEST_REQUIRE", "").split(",")


class Clock:
    seconds = 1_000_000.0

    def __call__(self):
        return self.seconds


@asynccontextmanager
async def memcached(address=SERVER):
    host, _, port = address.rpartition(":")
    client = aiomcache.Client(host, int(port), pool_size=4)
    try:
        await client.version()
    except OSError as error:
        if "memcached" in REQUIRED:
            raise
        pytest.skip(f"no memcached answers at {address}: {error}")
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def open_limits():
    @asynccontextmanager
    async def opened():
        clock = Clock()

        async def passing(seconds):
            clock.seconds += seconds

        async with memcached() as client:
            yield Limits(MemcachedRateLimiter(client, prefix=f"test:{uuid4().hex}:", clock=clock), passing)

    return opened


async def test_two_workers_count_together_to_the_last_request():
    prefix, policy = f"test:{uuid4().hex}:", (Policy(20, 60),)
    async with memcached() as here, memcached() as there:
        workers = [MemcachedRateLimiter(client, prefix=prefix) for client in (here, there)]
        answers = await asyncio.gather(*(workers[n % 2].hit("key:1", policy) for n in range(60)))
    assert sum(answer.admitted for answer in answers) == 20


async def test_without_its_store_it_is_unavailable():
    client = aiomcache.Client("127.0.0.1", 1)
    with pytest.raises(Unavailable):
        await MemcachedRateLimiter(client).hit("key:1", (Policy(1, 60),))
