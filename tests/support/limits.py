"""Every rate limiter that is shipped, and how time passes for it, behind the same few names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from adapters.fallback_limits import FallbackRateLimiter
from adapters.memory.limits import MemoryRateLimiter
from adapters.redis import RedisRateLimiter
from tests.support.counting import Limits, OpenLimits
from tests.support.redis import SERVER, calling

__all__ = ("NAMES", "Limits", "OpenLimits", "limits")

NAMES = ("memory", "redis", "fallback")
_PASSING = """
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local left = redis.call('PTTL', key) - tonumber(ARGV[2])
  if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
end
"""
"""The clock of a Redis cannot be set; but whoever makes all that waits for it wait less has made time pass."""


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def limits(name: str) -> AsyncIterator[Limits]:
    """Without a single window."""
    if name == "memory":
        yield memory_limits()
        return
    prefix = f"hexkey:test:{uuid4().hex}:"
    shared = RedisRateLimiter(SERVER, prefix=prefix, timeout=5)
    async with calling() as client:
        try:
            limiter = shared if name == "redis" else FallbackRateLimiter(shared, _Unused())
            yield Limits(limiter, lambda seconds: client.eval(_PASSING, 0, prefix, round(seconds * 1000)))
        finally:
            await shared.close()
            await client.eval(_PASSING, 0, prefix, 10**9)


def memory_limits() -> Limits:
    watch = Stopwatch()

    async def passing(seconds: float) -> None:
        watch.seconds += seconds

    return Limits(MemoryRateLimiter(watch), passing)


class _Unused:
    """Stands beside a store that is there."""

    async def hit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError

    async def refund(self, *_: Any, **__: Any) -> None:
        raise AssertionError
