"""Rate limits while the store that counts them for all is away."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from domain.errors import Unavailable
from domain.model.limits import Admission, Policy
from domain.ports.limits import RateLimiter

log = logging.getLogger("hexkey.limits")


class RemoteRateLimiter(RateLimiter, Protocol):
    async def check(self) -> None:
        """Raises Unavailable while its store is away."""


class FallbackRateLimiter:
    """Counts with *primary*, and with *local* whatever that cannot count: nobody is let in uncounted, or refused.

    It never raises Unavailable. A hit that *primary* took too long over may count in both.
    """

    def __init__(
        self, primary: RemoteRateLimiter, local: RateLimiter, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._primary = primary
        self._local = local
        self._breaker = Breaker(clock)
        self.fallbacks = 0
        """How many calls *local* counted because *primary* could not."""

    @property
    def is_away(self) -> bool:
        """Whether nobody waits for *primary* now."""
        return self._breaker.is_open

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        """Raises Invalid for a cost below 1."""
        with suppress(Unavailable), self._breaker.watching():
            return await self._primary.hit(subject, policies, cost=cost)
        self.fallbacks += 1
        return await self._local.hit(subject, policies, cost=cost)

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        """Raises Invalid for a cost below 1. It goes to where hits are counted now."""
        with suppress(Unavailable), self._breaker.watching():
            return await self._primary.refund(subject, policies, cost=cost)
        return await self._local.refund(subject, policies, cost=cost)

    async def check(self) -> None:
        """Raises Unavailable while *local* counts."""
        with self._breaker.watching():
            await self._primary.check()


class Breaker:
    """Nobody waits for what is known to be away.

    It opens when *failures* calls in a row have found the store away. From then on one call in *pause* seconds tries
    the store and all others are refused at once, until a call succeeds.
    """

    def __init__(self, clock: Callable[[], float], *, failures: int = 3, pause: float = 1.0) -> None:
        self._clock = clock
        self._failures = failures
        self._pause = pause
        self._in_a_row = 0
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        return self._in_a_row >= self._failures

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around one call to the store. Raises Unavailable instead of making one that cannot go well."""
        if self.is_open:
            if self._clock() < self._next_try:
                raise Unavailable("the store of the limits is away")
            self._next_try = self._clock() + self._pause
        try:
            yield
        except Unavailable as refusal:
            self._failed(refusal)
            raise
        self._succeeded()

    def _failed(self, refusal: Unavailable) -> None:
        self._in_a_row += 1
        if self._in_a_row == self._failures:
            self._next_try = self._clock() + self._pause
            log.warning("this worker counts limits by itself, and admits its share: %s", refusal)

    def _succeeded(self) -> None:
        if self.is_open:
            log.warning("all workers count limits together again")
        self._in_a_row = 0
