"""Attempts to prove a password, counted by account and by device.

A guesser is slowed down and the owner is not: a device on which they signed in before has a count of its own.
An attempt counts as failed from the moment it is admitted until it has succeeded, so that many at once gain nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

UNKNOWN_DEVICE: Final = "unknown"
FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """*free* failures cost nothing; each one more doubles the wait, from two seconds up to *longest*.

    After *most* failures in a row no wait is enough (NIST SP 800-63B-4, 3.2.2).
    """

    free: int
    longest: timedelta
    most: int | None = None

    def wait(self, failures: int) -> timedelta | None:
        """From the last failure to the next attempt; None is for good."""
        if self.most is not None and failures >= self.most:
            return None
        if failures < self.free:
            return timedelta(0)
        return min(timedelta(seconds=2 ** min(failures - self.free + 1, 20)), self.longest)


STRANGER = Backoff(free=5, longest=timedelta(minutes=15), most=100)
ACQUAINTANCE = Backoff(free=10, longest=timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """*account* is ``user:<id>``, or a keyed digest of a name that nobody has: the two are treated alike."""

    account: str
    device: str = UNKNOWN_DEVICE
    failures: int = 0
    last_at: datetime

    @property
    def backoff(self) -> Backoff:
        return STRANGER if self.device == UNKNOWN_DEVICE else ACQUAINTANCE

    def wait(self, *, now: datetime) -> timedelta:
        """How long until the next attempt is admitted; zero is now."""
        pause = self.backoff.wait(self.failures)
        if pause is None:
            return self.backoff.longest
        return max(self.last_at + pause - now, timedelta(0))

    def reserve(self, *, now: datetime) -> "Attempts":
        """One more, failed unless it is forgiven."""
        return replace(self, failures=self.failures + 1, last_at=now)

    def release(self) -> "Attempts":
        """The one that was reserved never came to a judgement."""
        return replace(self, failures=max(0, self.failures - 1))
