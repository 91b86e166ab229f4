"""A store of limits that goes away and comes back, call by call."""

import asyncio

import pytest

from adapters.fallback_limits import FallbackRateLimiter
from adapters.memory.limits import MemoryRateLimiter
from domain.errors import Invalid, Unavailable
from domain.model.limits import Admission, Policy
from tests.support.limits import Stopwatch

EIGHT = (Policy(8, 60),)
GOES = "this worker counts limits by itself, and admits its share: Redis does not answer"
COMES_BACK = "all workers count limits together again"


class Remote(MemoryRateLimiter):
    """A store that is away while it is told to be; *asked* is how often it was."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__(watch)
        self.away = False
        self.asked = 0

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        await self.check()
        return await super().hit(subject, policies, cost=cost)

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        await self.check()
        await super().refund(subject, policies, cost=cost)

    async def check(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("Redis does not answer")


class Subject:
    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.remote = Remote(self.watch)
        self.limiter = FallbackRateLimiter(self.remote, MemoryRateLimiter(self.watch, share=4), clock=self.watch)

    async def remaining(self) -> list[int]:
        return [left.remaining for left in (await self.limiter.hit("key:1", EIGHT)).allowances]


@pytest.fixture
def subject() -> Subject:
    return Subject()


async def test_while_the_store_is_there_it_counts_alone(subject: Subject) -> None:
    assert [await subject.remaining() for _ in range(2)] == [[7], [6]]
    await subject.limiter.refund("key:1", EIGHT)
    assert await subject.remaining() == [6]
    await subject.limiter.check()


async def test_while_it_is_away_a_worker_admits_its_share_and_nobody_is_refused_for_that(subject: Subject) -> None:
    subject.remote.away = True
    answers = [await subject.limiter.hit("key:1", EIGHT) for _ in range(4)]
    assert [answer.admitted for answer in answers] == [True, True, False, False]
    await subject.limiter.refund("key:1", EIGHT)
    assert await subject.remaining() == [0]


async def test_after_three_failures_in_a_row_nobody_waits_for_it(subject: Subject) -> None:
    subject.remote.away = True
    for _ in range(10):
        await subject.remaining()
    assert subject.remote.asked == 3
    await subject.limiter.refund("key:1", EIGHT)
    assert subject.remote.asked == 3


async def test_two_failures_and_a_success_are_no_reason(subject: Subject) -> None:
    for away in (True, True, False, True, True, False):
        subject.remote.away = away
        await subject.remaining()
    assert subject.remote.asked == 6
    await subject.limiter.check()


async def test_after_a_second_one_call_tries_and_the_others_do_not_wait_for_it(subject: Subject) -> None:
    subject.remote.away = True
    for _ in range(3):
        await subject.remaining()
    subject.watch.seconds += 0.99
    await subject.remaining()
    assert subject.remote.asked == 3
    subject.watch.seconds += 0.01
    await asyncio.gather(*(subject.remaining() for _ in range(10)))
    assert subject.remote.asked == 4
    subject.watch.seconds += 0.99
    await subject.remaining()
    assert subject.remote.asked == 4


async def test_when_a_try_succeeds_the_store_counts_again(subject: Subject) -> None:
    await subject.remaining()
    subject.remote.away = True
    for _ in range(5):
        await subject.remaining()
    subject.remote.away = False
    subject.watch.seconds += 1
    assert [await subject.remaining() for _ in range(2)] == [[6], [5]]


async def test_a_try_that_is_cancelled_leaves_the_next_to_another(subject: Subject) -> None:
    subject.remote.away = True
    for _ in range(3):
        await subject.remaining()
    subject.remote.away = False
    subject.watch.seconds += 1
    trying = asyncio.create_task(subject.remaining())
    await asyncio.sleep(0)
    trying.cancel()
    assert isinstance((await asyncio.gather(trying, return_exceptions=True))[0], asyncio.CancelledError)
    subject.watch.seconds += 1
    assert await subject.remaining() == [7]


async def test_readiness_hears_it_at_once_and_brings_the_store_back(subject: Subject) -> None:
    subject.remote.away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            await subject.limiter.check()
    assert subject.remote.asked == 3
    subject.remote.away = False
    with pytest.raises(Unavailable):
        await subject.limiter.check()
    subject.watch.seconds += 1
    await subject.limiter.check()
    assert await subject.remaining() == [7]


async def test_the_log_tells_once_when_it_goes_and_when_it_comes_back(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        subject.remote.away = True
        await asyncio.gather(*(subject.remaining() for _ in range(10)))
        subject.watch.seconds += 1
        await subject.remaining()
        subject.remote.away = False
        subject.watch.seconds += 1
        await asyncio.gather(*(subject.remaining() for _ in range(10)))
    assert caplog.messages == [GOES, COMES_BACK] * 2


async def test_a_wrong_cost_says_nothing_about_the_store(subject: Subject) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            await subject.limiter.hit("key:1", EIGHT, cost=0)
        with pytest.raises(Invalid):
            await subject.limiter.refund("key:1", EIGHT, cost=0)
    assert await subject.remaining() == [7]


async def test_it_says_whether_the_store_is_away_and_what_was_decided_without_it(subject: Subject) -> None:
    await subject.remaining()
    assert (subject.limiter.is_away, subject.limiter.fallbacks) == (False, 0)
    subject.remote.away = True
    for _ in range(3):
        await subject.remaining()
    assert (subject.limiter.is_away, subject.limiter.fallbacks) == (True, 3)
