import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.limits import MemoryRateLimiter
from domain.errors import Invalid
from domain.model.limits import Allowance, Policy, policy


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def limiter(watch: Stopwatch) -> MemoryRateLimiter:
    return MemoryRateLimiter(watch)


TWO_A_SECOND = Policy(2, 1)
THREE_A_MINUTE = Policy(3, 60)


async def test_a_quota_is_used_up_and_then_refused(limiter: MemoryRateLimiter) -> None:
    answers = [await limiter.hit("key:1", (THREE_A_MINUTE,)) for _ in range(5)]
    assert [answer.admitted for answer in answers] == [True, True, True, False, False]
    assert [answer.allowances[0].remaining for answer in answers] == [2, 1, 0, 0, 0]


async def test_a_window_begins_with_the_first_hit_and_ends_after_its_seconds(
    limiter: MemoryRateLimiter, watch: Stopwatch
) -> None:
    watch.seconds = 1059.5
    for _ in range(3):
        assert (await limiter.hit("key:1", (THREE_A_MINUTE,))).admitted
    watch.seconds += 59.75
    refused = await limiter.hit("key:1", (THREE_A_MINUTE,))
    assert not refused.admitted
    assert refused.allowances == (Allowance(THREE_A_MINUTE, 0, 0.25),)
    watch.seconds += 0.25
    assert (await limiter.hit("key:1", (THREE_A_MINUTE,))).allowances == (Allowance(THREE_A_MINUTE, 2, 60.0),)


async def test_subjects_do_not_share(limiter: MemoryRateLimiter) -> None:
    assert (await limiter.hit("key:1", (Policy(1, 60),))).admitted
    assert (await limiter.hit("key:2", (Policy(1, 60),))).admitted
    assert not (await limiter.hit("key:1", (Policy(1, 60),))).admitted


async def test_several_policies_count_all_or_nothing(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    both = (TWO_A_SECOND, THREE_A_MINUTE)
    answers = [await limiter.hit("key:1", both) for _ in range(3)]
    assert [answer.admitted for answer in answers] == [True, True, False]
    assert answers[2].allowances == (Allowance(TWO_A_SECOND, 0, 1.0), Allowance(THREE_A_MINUTE, 1, 60.0))
    watch.seconds += 1
    assert (await limiter.hit("key:1", both)).admitted
    assert not (await limiter.hit("key:1", both)).admitted


async def test_a_refused_hit_begins_no_window(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    await limiter.hit("key:1", (TWO_A_SECOND,), cost=2)
    refused = await limiter.hit("key:1", (TWO_A_SECOND, THREE_A_MINUTE))
    assert refused.allowances[1] == Allowance(THREE_A_MINUTE, 3, 60.0)
    watch.seconds += 30
    begun = await limiter.hit("key:1", (TWO_A_SECOND, THREE_A_MINUTE))
    assert begun.allowances[1] == Allowance(THREE_A_MINUTE, 2, 60.0)


async def test_a_cost_counts_whole_or_not_at_all(limiter: MemoryRateLimiter) -> None:
    assert (await limiter.hit("key:1", (THREE_A_MINUTE,), cost=2)).allowances[0].remaining == 1
    refused = await limiter.hit("key:1", (THREE_A_MINUTE,), cost=2)
    assert not refused.admitted
    assert refused.allowances[0].remaining == 1
    assert (await limiter.hit("key:1", (THREE_A_MINUTE,), cost=1)).admitted


@pytest.mark.parametrize("cost", [0, -1])
async def test_a_cost_is_at_least_1(limiter: MemoryRateLimiter, cost: int) -> None:
    with pytest.raises(Invalid, match="cost"):
        await limiter.hit("key:1", (THREE_A_MINUTE,), cost=cost)


async def test_a_refunded_hit_may_be_made_again(limiter: MemoryRateLimiter) -> None:
    for _ in range(3):
        await limiter.hit("key:1", (THREE_A_MINUTE,))
    await limiter.refund("key:1", (THREE_A_MINUTE,))
    answers = [await limiter.hit("key:1", (THREE_A_MINUTE,)) for _ in range(2)]
    assert [answer.admitted for answer in answers] == [True, False]


async def test_a_refund_gives_its_whole_cost_back_to_every_policy(limiter: MemoryRateLimiter) -> None:
    both = (TWO_A_SECOND, THREE_A_MINUTE)
    await limiter.hit("key:1", both, cost=2)
    await limiter.refund("key:1", both, cost=2)
    assert [left.remaining for left in (await limiter.hit("key:1", both)).allowances] == [1, 2]


async def test_no_refund_gives_more_than_was_taken(limiter: MemoryRateLimiter) -> None:
    await limiter.refund("key:1", (THREE_A_MINUTE,), cost=5)
    await limiter.hit("key:1", (THREE_A_MINUTE,))
    await limiter.refund("key:1", (THREE_A_MINUTE,), cost=5)
    answers = [await limiter.hit("key:1", (THREE_A_MINUTE,)) for _ in range(4)]
    assert [answer.admitted for answer in answers] == [True, True, True, False]


async def test_a_refund_reaches_no_other_subject_and_no_other_policy(limiter: MemoryRateLimiter) -> None:
    policies = (Policy(1, 60), Policy(2, 1))
    for subject in ("key:1", "key:2"):
        await limiter.hit(subject, policies)
    await limiter.refund("key:1", (Policy(5, 60), Policy(2, 1), Policy(1, 86400)))
    assert [left.remaining for left in (await limiter.hit("key:1", policies)).allowances] == [0, 2]
    assert [left.remaining for left in (await limiter.hit("key:2", policies)).allowances] == [0, 1]


async def test_a_refund_after_its_window_has_ended_is_none(limiter: MemoryRateLimiter, watch: Stopwatch) -> None:
    await limiter.hit("key:1", (THREE_A_MINUTE,))
    watch.seconds += 60
    await limiter.refund("key:1", (THREE_A_MINUTE,))
    assert (await limiter.hit("key:1", (THREE_A_MINUTE,))).allowances == (Allowance(THREE_A_MINUTE, 2, 60.0),)


async def test_a_window_that_is_refunded_in_full_ends_when_it_would_have(
    limiter: MemoryRateLimiter, watch: Stopwatch
) -> None:
    await limiter.hit("key:1", (THREE_A_MINUTE,))
    watch.seconds += 10
    await limiter.hit("key:2", (THREE_A_MINUTE,))
    await limiter.refund("key:1", (THREE_A_MINUTE,))
    assert (await limiter.hit("key:1", (THREE_A_MINUTE,))).allowances == (Allowance(THREE_A_MINUTE, 2, 50.0),)
    assert [subject for subject, _ in limiter._by_length[60]] == ["key:1", "key:2"]


@pytest.mark.parametrize("cost", [0, -1])
async def test_a_refund_of_nothing_or_less_is_refused(limiter: MemoryRateLimiter, cost: int) -> None:
    with pytest.raises(Invalid, match="cost"):
        await limiter.refund("key:1", (THREE_A_MINUTE,), cost=cost)


async def test_no_policy_is_no_limit(limiter: MemoryRateLimiter) -> None:
    answer = await limiter.hit("key:1", ())
    assert answer.admitted
    assert answer.allowances == ()


async def test_many_at_once_get_exactly_the_quota(limiter: MemoryRateLimiter) -> None:
    answers = await asyncio.gather(*(limiter.hit("key:1", (Policy(100, 60),)) for _ in range(500)))
    assert sum(answer.admitted for answer in answers) == 100


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.floats(0, 2, allow_nan=False)), max_size=60))
def test_it_agrees_with_a_list_of_everything_that_happened(hits: list[tuple[str, int, float]]) -> None:
    policies = (Policy(3, 1), Policy(5, 4))
    watch = Stopwatch()
    limiter = MemoryRateLimiter(watch)
    windows: dict[tuple[str, Policy], tuple[float, int]] = {}
    for subject, cost, pause in hits:
        watch.seconds += pause
        found = {policy: windows.get((subject, policy), (watch.seconds, 0)) for policy in policies}
        running = {
            policy: (began, used) if watch.seconds < began + policy.window else (watch.seconds, 0)
            for policy, (began, used) in found.items()
        }
        expected = all(used + cost <= policy.quota for policy, (_, used) in running.items())
        if expected:
            windows |= {(subject, policy): (began, used + cost) for policy, (began, used) in running.items()}
        assert asyncio.run(limiter.hit(subject, policies, cost=cost)).admitted == expected


@dataclass
class Counted:
    """A window as the contract tells it."""

    policy: Policy
    began: float
    used: int = 0

    def runs(self, now: float) -> bool:
        return now < self.began + self.policy.window


POLICIES = (Policy(3, 1), Policy(5, 4), Policy(2, 4))
STEPS = st.tuples(
    st.sampled_from(["hit", "hit", "refund"]),
    st.sampled_from("ab"),
    st.lists(st.sampled_from(POLICIES), max_size=2, unique=True).map(tuple),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.0, 0.25, 1.0, 4.0]),
)


@given(st.lists(STEPS, max_size=60))
def test_hits_less_refunds_never_exceed_a_quota(steps: list[tuple[str, str, tuple[Policy, ...], int, float]]) -> None:
    watch = Stopwatch()
    limiter = MemoryRateLimiter(watch)
    counted: dict[tuple[str, Policy], Counted] = {}
    for act, subject, policies, cost, pause in steps:
        watch.seconds += pause
        counted = {name: window for name, window in counted.items() if window.runs(watch.seconds)}
        if act == "refund":
            asyncio.run(limiter.refund(subject, policies, cost=cost))
            for policy in policies:
                if (subject, policy) in counted:
                    counted[subject, policy].used = max(0, counted[subject, policy].used - cost)
            continue
        windows = [counted.get((subject, policy), Counted(policy, watch.seconds)) for policy in policies]
        fits = all(window.used + cost <= window.policy.quota for window in windows)
        if fits:
            for window in windows:
                window.used += cost
                counted[subject, window.policy] = window
        answer = asyncio.run(limiter.hit(subject, policies, cost=cost))
        left = [(w.policy.quota - w.used, w.began + w.policy.window - watch.seconds) for w in windows]
        assert (answer.admitted, [(a.remaining, a.resets_in) for a in answer.allowances]) == (fits, left)
        assert all(0 <= allowance.remaining <= allowance.policy.quota for allowance in answer.allowances)


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
    assert [subject for subject, _ in limiter._by_length[1]] == ["c", "f"]


async def test_of_several_workers_each_admits_its_share_and_at_least_one() -> None:
    limiter = MemoryRateLimiter(share=4)
    seven, one = (policy("7/minute"),), (policy("1/minute"),)

    assert [(await limiter.hit("a", seven)).admitted for _ in range(3)] == [True, False, False]
    assert [(await limiter.hit("b", (policy("9/minute"),))).admitted for _ in range(3)] == [True, True, False]
    assert [(await limiter.hit("c", one)).admitted for _ in range(2)] == [True, False]


async def test_what_is_left_is_what_is_left_of_the_share() -> None:
    [left] = (await MemoryRateLimiter(share=4).hit("a", (policy("100/minute"),))).allowances
    assert left.remaining == 24
