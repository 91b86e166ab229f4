"""A limiter means what its port says, wherever it counts.

Of ours: here, on Redis, and on Redis with another to fall back on. Another one is whatever ``open_limits`` opens.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.model.limits import Admission, Allowance, Policy
from domain.ports.limits import RateLimiter

from ..support.counting import Limits, OpenLimits

MOMENT = 5.0
"""What a test may take in real seconds, on a bad day: windows are minutes, so that it does not count."""
TWO_A_MINUTE = Policy(2, 60)
THREE_AN_HOUR = Policy(3, 3600)
BOTH = (TWO_A_MINUTE, THREE_AN_HOUR)


@pytest.fixture
async def counting(open_limits: OpenLimits) -> AsyncIterator[Limits]:
    async with open_limits() as made:
        yield made


@pytest.fixture
def limiter(counting: Limits) -> RateLimiter:
    return counting.limiter


def is_left(policy: Policy, remaining: int, resets_in: float) -> Any:
    """An allowance of so much, give or take the moment that the test took."""
    return Allowance(policy, remaining, pytest.approx(resets_in - MOMENT / 2, abs=MOMENT / 2))


async def used_up(limiter: RateLimiter, subject: str, *policies: Policy, times: int) -> list[bool]:
    return [(await limiter.hit(subject, policies)).admitted for _ in range(times)]


async def test_policies_that_differ_in_their_counter_alone_count_apart_and_still_all_or_nothing(
    limiter: RateLimiter,
) -> None:
    group, other = TWO_A_MINUTE._replace(counter="/partner"), TWO_A_MINUTE._replace(counter="/staff")
    assert await used_up(limiter, "key:1", TWO_A_MINUTE, group, times=3) == [True, True, False]
    assert (await limiter.hit("key:1", (other,))).allowances == (is_left(other, 1, 60),)
    refused = await limiter.hit("key:1", (group, other))
    assert refused == Admission(False, (is_left(group, 0, 60), is_left(other, 1, 60)))
    assert (await limiter.hit("key:2", (group,))).allowances == (is_left(group, 1, 60),)
    await limiter.refund("key:1", (group,))
    assert [(await limiter.hit("key:1", (policy,))).admitted for policy in (group, TWO_A_MINUTE)] == [True, False]


async def test_a_quota_is_used_up_and_then_refused(limiter: RateLimiter) -> None:
    answers = [await limiter.hit("key:1", (THREE_AN_HOUR,)) for _ in range(5)]
    assert [answer.admitted for answer in answers] == [True, True, True, False, False]
    assert [answer.allowances[0].remaining for answer in answers] == [2, 1, 0, 0, 0]


async def test_a_window_begins_with_the_first_hit_and_ends_after_its_seconds(counting: Limits) -> None:
    assert await used_up(counting.limiter, "key:1", TWO_A_MINUTE, times=2) == [True, True]
    await counting.passing(40)
    refused = await counting.limiter.hit("key:1", (TWO_A_MINUTE,))
    assert not refused.admitted
    assert refused.allowances == (is_left(TWO_A_MINUTE, 0, 20),)
    await counting.passing(20)
    again = await counting.limiter.hit("key:1", (TWO_A_MINUTE,))
    assert again.admitted
    assert again.allowances == (is_left(TWO_A_MINUTE, 1, 60),)


async def test_subjects_do_not_share(limiter: RateLimiter) -> None:
    assert await used_up(limiter, "key:1", Policy(1, 60), times=2) == [True, False]
    assert await used_up(limiter, "key:2", Policy(1, 60), times=2) == [True, False]


async def test_several_policies_count_all_or_nothing(counting: Limits) -> None:
    answers = [await counting.limiter.hit("key:1", BOTH) for _ in range(3)]
    assert [answer.admitted for answer in answers] == [True, True, False]
    assert answers[2].allowances == (is_left(TWO_A_MINUTE, 0, 60), is_left(THREE_AN_HOUR, 1, 3600))
    await counting.passing(60)
    assert await used_up(counting.limiter, "key:1", *BOTH, times=2) == [True, False]


async def test_a_refused_hit_begins_no_window(counting: Limits) -> None:
    await counting.limiter.hit("key:1", (TWO_A_MINUTE,), cost=2)
    refused = await counting.limiter.hit("key:1", BOTH)
    assert refused.allowances[1] == is_left(THREE_AN_HOUR, 3, 3600)
    await counting.passing(1800)
    begun = await counting.limiter.hit("key:1", BOTH)
    assert begun.allowances[1] == is_left(THREE_AN_HOUR, 2, 3600)


async def test_a_cost_counts_whole_or_not_at_all(limiter: RateLimiter) -> None:
    assert (await limiter.hit("key:1", (THREE_AN_HOUR,), cost=2)).allowances[0].remaining == 1
    for cost in (2, 10**30):
        refused = await limiter.hit("key:1", (THREE_AN_HOUR,), cost=cost)
        assert (refused.admitted, refused.allowances[0].remaining) == (False, 1)
    assert (await limiter.hit("key:1", (THREE_AN_HOUR,), cost=1)).admitted


@pytest.mark.parametrize("cost", [0, -1])
@pytest.mark.parametrize("policies", [(THREE_AN_HOUR,), ()])
async def test_a_cost_is_at_least_1(limiter: RateLimiter, cost: int, policies: tuple[Policy, ...]) -> None:
    with pytest.raises(Invalid, match="cost"):
        await limiter.hit("key:1", policies, cost=cost)
    with pytest.raises(Invalid, match="cost"):
        await limiter.refund("key:1", policies, cost=cost)


async def test_a_refunded_hit_may_be_made_again(limiter: RateLimiter) -> None:
    await used_up(limiter, "key:1", THREE_AN_HOUR, times=3)
    await limiter.refund("key:1", (THREE_AN_HOUR,))
    assert await used_up(limiter, "key:1", THREE_AN_HOUR, times=2) == [True, False]


async def test_a_refund_gives_its_whole_cost_back_to_every_policy(limiter: RateLimiter) -> None:
    await limiter.hit("key:1", BOTH, cost=2)
    await limiter.refund("key:1", BOTH, cost=2)
    assert [left.remaining for left in (await limiter.hit("key:1", BOTH)).allowances] == [1, 2]


@pytest.mark.parametrize("cost", [5, 10**30])
async def test_no_refund_gives_more_than_was_taken(limiter: RateLimiter, cost: int) -> None:
    await limiter.refund("key:1", (THREE_AN_HOUR,), cost=cost)
    await limiter.hit("key:1", (THREE_AN_HOUR,))
    await limiter.refund("key:1", (THREE_AN_HOUR,), cost=cost)
    assert await used_up(limiter, "key:1", THREE_AN_HOUR, times=4) == [True, True, True, False]


async def test_a_refund_reaches_no_other_subject_and_no_other_policy(limiter: RateLimiter) -> None:
    policies = (Policy(1, 3600), Policy(2, 60))
    for subject in ("key:1", "key:2"):
        await limiter.hit(subject, policies)
    await limiter.refund("key:1", (Policy(5, 3600), Policy(2, 60), Policy(1, 86400)))
    assert [left.remaining for left in (await limiter.hit("key:1", policies)).allowances] == [0, 2]
    assert [left.remaining for left in (await limiter.hit("key:2", policies)).allowances] == [0, 1]


async def test_a_refund_after_its_window_has_ended_is_none(counting: Limits) -> None:
    await counting.limiter.hit("key:1", (TWO_A_MINUTE,))
    await counting.passing(60)
    await counting.limiter.refund("key:1", (TWO_A_MINUTE,))
    assert (await counting.limiter.hit("key:1", (TWO_A_MINUTE,))).allowances == (is_left(TWO_A_MINUTE, 1, 60),)


async def test_a_window_that_is_refunded_in_full_ends_when_it_would_have(counting: Limits) -> None:
    await counting.limiter.hit("key:1", (TWO_A_MINUTE,))
    await counting.passing(10)
    await counting.limiter.refund("key:1", (TWO_A_MINUTE,))
    assert (await counting.limiter.hit("key:1", (TWO_A_MINUTE,))).allowances == (is_left(TWO_A_MINUTE, 1, 50),)


async def test_no_policy_is_no_limit(limiter: RateLimiter) -> None:
    assert await limiter.hit("key:1", ()) == Admission(admitted=True)
    await limiter.refund("key:1", ())


async def test_many_at_once_get_exactly_the_quota(limiter: RateLimiter) -> None:
    answers = await asyncio.gather(*(limiter.hit("key:1", (Policy(100, 60),)) for _ in range(500)))
    assert sum(answer.admitted for answer in answers) == 100
    assert sorted({answer.allowances[0].remaining for answer in answers}) == list(range(100))


@dataclass
class Counted:
    """A window as the contract tells it."""

    policy: Policy
    began: float
    used: int = 0

    def runs(self, now: float) -> bool:
        return now < self.began + self.policy.window


POLICIES = (Policy(3, 60), Policy(5, 240), Policy(2, 240))
STEPS = st.tuples(
    st.sampled_from(["hit", "hit", "refund"]),
    st.sampled_from("ab"),
    st.lists(st.sampled_from(POLICIES), max_size=2, unique=True).map(tuple),
    st.integers(1, 3),
    st.sampled_from([0, 0, 15, 60, 240]),
)


@given(steps=st.lists(STEPS, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hits_less_refunds_never_exceed_a_quota(
    open_limits: OpenLimits, steps: list[tuple[str, str, tuple[Policy, ...], int, int]]
) -> None:
    asyncio.run(_agree(open_limits, steps))


async def _agree(open_limits: OpenLimits, steps: list[tuple[str, str, tuple[Policy, ...], int, int]]) -> None:
    now, counted = 0.0, dict[tuple[str, Policy], Counted]()
    async with open_limits() as counting:
        for act, subject, policies, cost, pause in steps:
            if pause:
                await counting.passing(pause)
            now += pause
            counted = {place: window for place, window in counted.items() if window.runs(now)}
            if act == "refund":
                await counting.limiter.refund(subject, policies, cost=cost)
                for policy in policies:
                    if (subject, policy) in counted:
                        counted[subject, policy].used = max(0, counted[subject, policy].used - cost)
                continue
            windows = [counted.get((subject, policy), Counted(policy, now)) for policy in policies]
            fits = all(window.used + cost <= window.policy.quota for window in windows)
            if fits:
                for window in windows:
                    window.used += cost
                    counted[subject, window.policy] = window
            answer = await counting.limiter.hit(subject, policies, cost=cost)
            left = [is_left(w.policy, w.policy.quota - w.used, w.began + w.policy.window - now) for w in windows]
            assert (answer.admitted, list(answer.allowances)) == (fits, left)
