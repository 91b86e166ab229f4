"""Jobs that come round again and again, whatever happens to them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from app.background import Background, Complaints, Job
from domain.errors import Unavailable


@asynccontextmanager
async def running(*jobs: Job, grace: float = 5.0) -> AsyncIterator[Background]:
    background = Background(*jobs, grace=grace)
    await background.start()
    try:
        yield background
    finally:
        await background.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.001)


class Counted:
    """How often it was run; *answers* are returned or raised, one after the other, and the last for ever."""

    def __init__(self, *answers: object) -> None:
        self.count = 0
        self._answers = [*answers] or [None]

    async def __call__(self) -> object:
        self.count += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def every(self, seconds: float) -> Job:
        return Job(name="counted", run=self, period=seconds)


async def test_a_job_runs_at_the_start_and_comes_round_again() -> None:
    counted = Counted()
    async with running(counted.every(0.001)):
        await until(lambda: counted.count >= 3)
    ended = counted.count
    await asyncio.sleep(0.01)
    assert counted.count == ended


async def test_a_job_that_has_more_to_do_does_not_wait() -> None:
    counted = Counted(True, True, True, False)
    async with running(counted.every(60)):
        await until(lambda: counted.count == 4)


async def test_a_job_that_never_waits_keeps_nobody_waiting_and_can_be_stopped() -> None:
    busy, other = Counted(True), Counted()
    async with running(busy.every(60), other.every(0.001)):
        await until(lambda: other.count >= 3)


async def test_a_job_that_fails_goes_on_and_the_others_do_not_notice(caplog: pytest.LogCaptureFixture) -> None:
    failing, other = Counted(ValueError("no disk"), KeyError("x"), ValueError("again"), None), Counted()
    async with running(failing.every(0.001), other.every(0.001)):
        await until(lambda: failing.count >= 5 and other.count >= 5)
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ValueError, KeyError]
    assert caplog.records[0].getMessage() == "counted failed"


async def test_a_store_that_is_away_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    counted = Counted(Unavailable(), Unavailable(), None)
    async with running(counted.every(0.001)):
        await until(lambda: counted.count >= 4)
    assert caplog.records == []


def test_a_pause_grows_with_every_failure_and_is_never_quite_the_same() -> None:
    job = Job(name="x", run=Counted(), period=1.0)
    assert len({job.pause(0) for _ in range(10)}) > 1
    for failures, most in ((0, 1), (1, 2), (3, 8), (5, 30), (1000, 30)):
        assert 0.8 * most <= job.pause(failures) <= 1.2 * most
    assert Job(name="x", run=Counted(), period=600.0).pause(9) >= 480


async def test_what_is_being_done_may_end_by_itself() -> None:
    begun, done = asyncio.Event(), []

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0.02)
        done.append(True)

    async with running(Job(name="slow", run=slow, period=60)):
        await begun.wait()
    assert done == [True]


async def test_what_does_not_end_is_cancelled_and_awaited() -> None:
    begun, cleaned = asyncio.Event(), []

    async def stuck() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    async with running(Job(name="stuck", run=stuck, period=60), grace=0.01):
        await begun.wait()
    assert cleaned == [True]


async def test_it_can_be_stopped_twice_before_it_is_started_and_started_again() -> None:
    counted = Counted()
    background = Background(counted.every(60))
    await background.stop()
    for _ in range(2):
        await background.start()
        await asyncio.sleep(0)
        await background.stop()
        await background.stop()
    assert counted.count == 2


def test_a_failure_that_lasts_is_told_again_after_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    complaints = Complaints("x", lambda: now)
    told = []
    for now in (0.0, 1.0, 599.0, 600.0, 601.0, 1200.0):  # noqa: B007 - the clock reads it
        complaints.tell(ValueError("still"))
        told.append(len(caplog.records))
    assert told == [1, 1, 1, 2, 2, 3]
