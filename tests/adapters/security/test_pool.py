import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from adapters.security.pool import BoundedPool
from domain.errors import Unavailable


class Gate:
    """Work that lasts until the gate is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun = 0

    def pass_through(self) -> str:
        self.begun += 1
        assert self.opened.wait(10)
        return "through"

    async def until_begun(self, count: int) -> None:
        while self.begun < count:  # noqa: ASYNC110 - the work is in threads, which set no event of the loop
            await asyncio.sleep(0)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


async def settled() -> None:
    """Every task that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_answer_and_the_errors_of_the_work_come_back() -> None:
    pool = BoundedPool(threads=1, queue=1, patience=5)
    assert await pool.run(pow, 2, 10) == 1024
    with pytest.raises(ZeroDivisionError):
        await pool.run(divmod, 1, 0)
    assert await pool.run(pow, 2, 3) == 8
    pool.close()


async def test_as_many_work_at_once_as_there_are_threads(gate: Gate) -> None:
    pool = BoundedPool(threads=2, queue=8, patience=5)
    jobs = [asyncio.create_task(pool.run(gate.pass_through)) for _ in range(5)]
    await gate.until_begun(2)
    await settled()
    assert gate.begun == 2
    gate.opened.set()
    assert await asyncio.gather(*jobs) == ["through"] * 5
    pool.close()


async def test_who_finds_the_queue_full_is_turned_away_at_once(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=2, patience=60)
    jobs = [asyncio.create_task(pool.run(gate.pass_through)) for _ in range(3)]
    await settled()
    with pytest.raises(Unavailable) as refusal:
        await pool.run(gate.pass_through)
    assert refusal.value.retry_after == 60
    gate.opened.set()
    assert await asyncio.gather(*jobs) == ["through"] * 3
    assert await pool.run(gate.pass_through) == "through"
    pool.close()


async def test_without_a_queue_there_is_a_free_thread_or_a_refusal(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=0, patience=60)
    job = asyncio.create_task(pool.run(gate.pass_through))
    await settled()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(pool.run(pow, 2, 2), timeout=1)
    gate.opened.set()
    assert await job == "through"
    pool.close()


async def test_who_has_waited_long_enough_is_turned_away_and_the_work_never_begins(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=2, patience=0.01)
    job = asyncio.create_task(pool.run(gate.pass_through))
    await settled()
    with pytest.raises(Unavailable) as refusal:
        await pool.run(gate.pass_through)
    assert refusal.value.retry_after == 1
    gate.opened.set()
    assert await job == "through"
    assert gate.begun == 1
    assert await pool.run(pow, 2, 2) == 4
    pool.close()


async def test_who_goes_away_leaves_the_thread_taken_until_its_work_is_done(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=1, patience=60)
    job = asyncio.create_task(pool.run(gate.pass_through))
    await settled()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    waiting = asyncio.create_task(pool.run(pow, 2, 2))
    await settled()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(pool.run(pow, 2, 2), timeout=1)
    gate.opened.set()
    assert await waiting == 4
    pool.close()


async def test_who_goes_away_while_waiting_gives_the_place_back(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=1, patience=5)
    working = asyncio.create_task(pool.run(gate.pass_through))
    waiting = asyncio.create_task(pool.run(gate.pass_through))
    await settled()
    waiting.cancel()
    await settled()
    last = asyncio.create_task(pool.run(pow, 2, 2))
    await settled()
    gate.opened.set()
    assert (await working, await last) == ("through", 4)
    pool.close()


async def test_nothing_runs_after_closing() -> None:
    pool = BoundedPool(threads=1, queue=1, patience=5)
    pool.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await pool.run(pow, 2, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot step back alone")
async def test_on_a_core_that_they_share_the_loop_goes_before_the_work() -> None:
    pool = BoundedPool(threads=1, queue=0, patience=1)
    before = os.nice(0)
    assert await pool.run(os.nice, 0) > before
    assert os.nice(0) == before
    pool.close()


async def test_it_says_how_many_are_at_work_and_how_many_wait(gate: Gate) -> None:
    pool = BoundedPool(threads=1, queue=2, patience=5)
    works = [asyncio.create_task(pool.run(gate.pass_through)) for _ in range(3)]
    await gate.until_begun(1)
    assert (pool.busy, pool.waiting) == (1, 2)
    gate.opened.set()
    await asyncio.gather(*works)
    await settled()
    assert (pool.busy, pool.waiting) == (0, 0)
    pool.close()
