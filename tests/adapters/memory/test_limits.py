"""What memory adds to the contract: windows are forgotten in their order, and a quota is shared out."""

import pytest

from adapters.memory.limits import MemoryRateLimiter
from domain.model.limits import Policy, policy
from tests.support.limits import Stopwatch

TWO_A_SECOND = Policy(2, 1)


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def limiter(watch: Stopwatch) -> MemoryRateLimiter:
    return MemoryRateLimiter(watch)


async def test_a_window_ends_to_the_moment(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    await limiter.hit("key:1", (TWO_A_SECOND,), cost=2)
    watch.seconds += 0.75
    assert (await limiter.hit("key:1", (TWO_A_SECOND,))).allowances[0].resets_in == 0.25
    watch.seconds += 0.25
    assert (await limiter.hit("key:1", (TWO_A_SECOND,))).admitted


async def test_a_window_that_is_refunded_in_full_keeps_its_place(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    await limiter.hit("key:1", (TWO_A_SECOND,))
    watch.seconds += 0.5
    await limiter.hit("key:2", (TWO_A_SECOND,))
    await limiter.refund("key:1", (TWO_A_SECOND,))
    await limiter.hit("key:1", (TWO_A_SECOND,))
    assert [subject for subject, *_ in limiter._by_length[1]] == ["key:1", "key:2"]


async def test_ended_windows_are_forgotten(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    most = 0
    for number in range(5000):
        watch.seconds += 0.01
        await limiter.hit(f"address:{number}", (TWO_A_SECOND, Policy(5, 3)))
        await limiter.hit("address:who-stays", (TWO_A_SECOND, Policy(5, 3)))
        most = max(most, sum(map(len, limiter._by_length.values())))
    assert most <= 100 + 300 + 4


async def test_who_comes_back_does_not_keep_others_from_being_forgotten(
    limiter: MemoryRateLimiter, watch: Stopwatch
) -> None:
    for subject in "abcde":
        await limiter.hit(subject, (TWO_A_SECOND,))
    watch.seconds += 1
    for subject in "cf":
        await limiter.hit(subject, (TWO_A_SECOND,))
    assert [subject for subject, *_ in limiter._by_length[1]] == ["c", "f"]


async def test_of_several_workers_each_admits_its_share_and_at_least_one() -> None:
    limiter = MemoryRateLimiter(share=4)
    seven, one = (policy("7/minute"),), (policy("1/minute"),)

    assert [(await limiter.hit("a", seven)).admitted for _ in range(3)] == [True, False, False]
    assert [(await limiter.hit("b", (policy("9/minute"),))).admitted for _ in range(3)] == [True, True, False]
    assert [(await limiter.hit("c", one)).admitted for _ in range(2)] == [True, False]


async def test_what_is_left_is_what_is_left_of_the_share() -> None:
    [left] = (await MemoryRateLimiter(share=4).hit("a", (policy("100/minute"),))).allowances
    assert left.remaining == 24
