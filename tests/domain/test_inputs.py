from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.model.durations import duration
from domain.model.limits import UNLIMITED, Admission, Allowance, Policy, policies, policy
from domain.model.queries import Query, Sort
from domain.model.texts import description_text, name_text
from tests.support.examples import HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("raw", "span"),
    [
        ("0s", timedelta(0)),
        ("500ms", timedelta(milliseconds=500)),
        ("10s", timedelta(seconds=10)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("90d", timedelta(days=90)),
        ("999999999d", timedelta.max - timedelta.max % timedelta(days=1)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(raw: str, span: timedelta) -> None:
    assert duration(raw, "grace") == span


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "0",
        "0d",
        "10",
        "s",
        "-1s",
        "+1s",
        "1.5h",
        "01s",
        " 1s",
        "1s\n",
        "1 s",
        "1S",
        "1w",
        "1e3s",
        "\u0661s",
        "9999999999s",
    ],
)
def test_what_is_no_duration_is_refused_by_name(raw: str) -> None:
    with pytest.raises(Invalid, match="grace: is a duration"):
        duration(raw, "grace")


@given(st.integers(1, 999_999_999), st.sampled_from(["second", "minute", "hour", "day"]))
def test_a_policy_is_written_as_it_is_read(quota: int, period: str) -> None:
    assert str(policy(f"{quota}/{period}")) == f"{quota}/{period}"


@pytest.mark.parametrize(("period", "seconds"), [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)])
def test_a_period_is_so_many_seconds(period: str, seconds: int) -> None:
    assert policy(f"5/{period}") == Policy(5, seconds)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "5",
        "/minute",
        "0/minute",
        "-5/minute",
        "05/minute",
        "5/week",
        "5/MINUTE",
        "5 /minute",
        "5/minute\n",
        "1000000000/day",
    ],
)
def test_what_is_no_policy_is_refused_by_its_place(raw: str) -> None:
    with pytest.raises(Invalid) as refusal:
        policies(["5/minute", raw])
    assert refusal.value.problems[0].field == "limits/1"


def test_a_key_has_one_policy_for_each_period() -> None:
    every = ["1/second", "2/minute", "3/hour", "4/day"]
    assert [str(limit) for limit in policies(every)] == every
    assert policies([]) == ()
    with pytest.raises(Invalid, match="one limit for each period"):
        policies(["5/minute", "6/minute"])
    with pytest.raises(Invalid, match="at most 4"):
        policies([*every, "5/minute"])


def test_who_is_refused_waits_for_the_last_window_that_is_too_full() -> None:
    def left(remaining: int, resets_in: float) -> Allowance:
        return Allowance(Policy(9, 60), remaining, resets_in)

    refused = Admission(False, (left(0, 0.2), left(2, 30.5), left(5, 86_000.0)))
    assert refused.retry_after() == 1
    assert refused.retry_after(cost=3) == 31
    assert UNLIMITED.retry_after() == 1
    assert Admission(False, (left(0, 0.0),)).retry_after() == 1


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_1_to_200_rows(limit: int) -> None:
    assert (Query(limit=1).limit, Query(limit=200).limit) == (1, 200)
    with pytest.raises(Invalid, match="limit: is a whole number from 1 to 200"):
        Query(limit=limit)


@pytest.mark.parametrize("offset", [-1, 2**31])
def test_an_offset_fits_every_storage(offset: int) -> None:
    assert Query(offset=2**31 - 1).offset == 2**31 - 1
    with pytest.raises(Invalid, match="offset: is a whole number from 0"):
        Query(offset=offset)


@pytest.mark.parametrize("count", [0, 5])
def test_a_list_is_sorted_by_1_to_4_fields(count: int) -> None:
    with pytest.raises(Invalid, match="sorting: names 1 to 4"):
        Query(sorting=tuple(Sort(f"field{number}") for number in range(count)))


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "x", "x" * 128])
def test_a_name_is_kept_as_it_is(text: str) -> None:
    assert name_text(text) == text


def test_a_name_is_trimmed_first() -> None:
    assert name_text(f"  {'x' * 128}\n") == "x" * 128


@pytest.mark.parametrize("raw", ["", " \t\n", "x" * 129, "a\0b", "a\nb", "a\x7fb", "\ud800"])
def test_a_name_has_1_to_128_characters_and_none_that_controls(raw: str) -> None:
    with pytest.raises(Invalid, match="title: has"):
        name_text(raw, "title")


@pytest.mark.parametrize("raw", [None, "", " kept \n as it is\t", "x" * 1024])
def test_a_description_may_be_missing_and_is_never_trimmed(raw: str | None) -> None:
    assert description_text(raw) == raw


@pytest.mark.parametrize("raw", ["x" * 1025, "a\0b", "a\udfffb"])
def test_a_description_has_at_most_1024_characters_and_no_nul(raw: str) -> None:
    with pytest.raises(Invalid, match="description: has"):
        description_text(raw)
