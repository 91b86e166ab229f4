"""What one worker has read, and what it has heard of since."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from domain.model.access import KeyGrant, SessionGrant

G = TypeVar("G", KeyGrant, SessionGrant)


boot_time: Callable[[], float] = (
    partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    if hasattr(time, "clock_gettime")
    else time.monotonic
)
"""Seconds of a clock that never goes back, and goes on while the machine is suspended, where there is one."""


@dataclass(slots=True)
class Entry(Generic[G]):
    """*start* is when its read began, *deadline* when time alone changes it; both by `boot_time`."""

    grant: G
    start: float
    deadline: float


@dataclass(slots=True)
class Book:
    """*changed* has the last ``seq`` of every subject that was heard of since the book was begun."""

    entries: OrderedDict[UUID, Entry[Any]] = field(default_factory=OrderedDict)
    changed: dict[str, int] = field(default_factory=dict)

    def find(self, id: UUID) -> Entry[Any] | None:
        """What no change that was heard of has touched; whether it may still be trusted is for the clock to say."""
        if (entry := self.entries.get(id)) is None:
            return None
        seq, changed = entry.grant.seq, self.changed
        for subject in entry.grant.subjects:
            if changed.get(subject, 0) > seq:
                return None
        return entry

    def keep(self, entry: Entry[Any], *, at_most: int) -> bool:
        """Whether the oldest had to make room for it."""
        self.entries[entry.grant.id] = entry
        self.entries.move_to_end(entry.grant.id)
        if len(self.entries) <= at_most:
            return False
        self.entries.popitem(last=False)
        return True

    def note(self, subject: str, seq: int) -> None:
        self.changed[subject] = max(seq, self.changed.get(subject, 0))
