"""What makes a revocation provable: every change of access leaves a row, and no cache trusts itself for longer than it
has followed those rows.

**The invariant.** A cached grant is good if and only if (now < lease, or now < its own read's start + trust), and
now < its deadline, and none of its subjects has a change with a ``seq`` above that of the snapshot it was read from.

**Why it holds.** Let A be the revoker's instant after COMMIT returned. A look at the rows that missed the change took
its snapshot before A, so it started before A, so the lease that it gave ends before A + trust; and a read that missed
it started before A too. No two clocks have to agree, only to run at about the same rate: trust is four fifths of what
is promised, which holds for rates within ±11 %.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

EVERYTHING: Final = "*"
"""The subject of a change that nobody is spared from: a scope's meaning, a pepper, SQL by hand."""


def subject(kind: str, id: UUID) -> str:
    """``kind`` is ``key``, ``session``, ``user``, ``role`` or ``project``."""
    return f"{kind}:{id}"


def shared_subject(kind: str, id: UUID) -> str:
    """`subject` of whoever has a part in many grants: a worker remembers thousands, and each text once."""
    return _shared_subject(kind, id.int)


@lru_cache(4096)
def _shared_subject(kind: str, number: int) -> str:
    """By the number, which hashes and compares faster than its UUID."""
    return subject(kind, UUID(int=number))


@lru_cache(4096)
def shared(names: frozenset[str]) -> frozenset[str]:
    """The same set, once for all who hold it."""
    return names


@lru_cache(4096)
def united(sets: tuple[frozenset[str], ...]) -> frozenset[str]:
    """All that is in one of *sets*, the same set each time: grants are read again and again, and few kinds of them."""
    return frozenset().union(*sets)


@lru_cache(4096)
def common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """What is in both, the same set each time."""
    return shared(one & other)


@dataclass(frozen=True, slots=True)
class Change:
    """*mark* is random: two histories that have the same *seq* are told apart by it. A wire format between versions."""

    seq: int
    mark: int
    subject: str


@dataclass(frozen=True, slots=True)
class Changes:
    """*source* names the database, as it was started: another one is another history."""

    rows: tuple[Change, ...]
    source: str = ""
    is_primary: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """*promise* is what callers are told: after it no worker decides to accept what was revoked."""

    promise: timedelta = timedelta(milliseconds=500)
    max_age: timedelta = timedelta(seconds=60)
    rows: int = 10_000
    """More changes than these between two looks, and it is cheaper to begin anew."""
    entries: int = 20_000
    waiting: int = 1_000
    """How many may wait for the same read."""

    @property
    def trust(self) -> float:
        """In seconds."""
        return self.promise.total_seconds() * 0.8

    @property
    def period(self) -> float:
        """Between two looks, in seconds, at the most."""
        return self.promise.total_seconds() * 0.2
