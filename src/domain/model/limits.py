"""How often: ``1000/minute``. The window begins with a subject's first request; no burst beside it."""

import re
from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import NamedTuple
from uuid import UUID

from domain.errors import Invalid

_POLICY = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PERIODS = {seconds: name for name, seconds in _SECONDS.items()}
POLICIES_MAX = 4


class Policy(NamedTuple):
    """At most *quota* in each window of *window* seconds.

    A subject has a window for each *counter*: what a group of routes counts is counted apart from all else.
    """

    quota: int
    window: int
    counter: str = ""

    def __str__(self) -> str:
        return f"{self.quota}/{_PERIODS[self.window]}"


@lru_cache(4096)
def counted_as(kind: str, id: UUID | None) -> str:
    """The subject that the calls of a user or a key are counted as."""
    return f"{kind}:{id}"


@lru_cache(1024)
def policy(raw: str, field: str = "limits") -> Policy:
    """Raises Invalid unless *raw* is a count and one of second, minute, hour, day."""
    if (match := _POLICY.fullmatch(raw)) is None:
        raise Invalid(field, "is a limit such as 1000/minute (second, minute, hour, day)")
    return Policy(int(match[1]), _SECONDS[match[2]])


def policies(raw: Iterable[str], field: str = "limits") -> tuple[Policy, ...]:
    """One policy for each window at the most. Raises Invalid."""
    given = tuple(raw)
    if len(given) > POLICIES_MAX:
        raise Invalid(field, f"has at most {POLICIES_MAX} limits")
    parsed = tuple(policy(text, f"{field}/{place}") for place, text in enumerate(given))
    if len({limit.window for limit in parsed}) < len(parsed):
        raise Invalid(field, "has one limit for each period")
    return parsed


def require_cost(cost: int) -> None:
    """Raises Invalid for a cost below 1."""
    if cost < 1:
        raise Invalid("cost", "is at least 1")


def no_looser(limits: tuple[Policy, ...], than: tuple[Policy, ...]) -> bool:
    """Whether for each limit of *than* one of *limits* allows no more, in a period as long or longer."""
    return all(any(own.quota <= theirs.quota and own.window >= theirs.window for own in limits) for theirs in than)


class Allowance(NamedTuple):
    """What is left of *policy* after a hit; *resets_in* is in seconds."""

    policy: Policy
    remaining: int
    resets_in: float


class Admission(NamedTuple):
    """Whether a hit was counted; *allowances* has one entry for each policy asked for, in their order."""

    admitted: bool
    allowances: tuple[Allowance, ...] = ()

    def retry_after(self, cost: int = 1) -> int:
        """Whole seconds until every policy could take *cost* again; at least 1."""
        waits = (ceil(left.resets_in) for left in self.allowances if left.remaining < cost)
        return max([1, *waits])


UNLIMITED = Admission(admitted=True)
