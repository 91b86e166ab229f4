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
    """*start* is when its read began, *deadline* when time alone changes it; both by `boot_time`.

    *checked* is how much the book had heard of when none of it touched the grant.
    """

    grant: G
    start: float
    deadline: float
    checked: int = -1


@dataclass(slots=True)
class Book:
    """*changed* has the last ``seq`` of every subject that was heard of since the book was begun, *heard* how often
    something was. An entry is found by the number of its id, which hashes faster.
    """

    entries: OrderedDict[int, Entry[Any]] = field(default_factory=OrderedDict)
    changed: dict[str, int] = field(default_factory=dict)
    heard: int = 0

    def find(self, id: UUID) -> Entry[Any] | None:
        """What no change that was heard of has touched; whether it may still be trusted is for the clock to say."""
        if (entry := self.entries.get(id.int)) is None or entry.checked == self.heard:
            return entry
        seq, changed = entry.grant.seq, self.changed
        for subject in entry.grant.subjects:
            if changed.get(subject, 0) > seq:
                return None
        entry.checked = self.heard
        return entry

    def keep(self, entry: Entry[Any], *, at_most: int) -> bool:
        """Whether the oldest had to make room for it."""
        number = entry.grant.id.int
        self.entries[number] = entry
        self.entries.move_to_end(number)
        if len(self.entries) <= at_most:
            return False
        self.entries.popitem(last=False)
        return True

    def note(self, subject: str, seq: int) -> None:
        self.heard += 1
        self.changed[subject] = max(seq, self.changed.get(subject, 0))
