"""A rate limiter, and how time passes for it: what the suite of limiters is about."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from domain.ports.limits import RateLimiter


@dataclass(frozen=True, slots=True)
class Limits:
    """*passing* makes so many seconds pass, and a real moment besides."""

    limiter: RateLimiter
    passing: Callable[[float], Awaitable[None]]


OpenLimits = Callable[[], AbstractAsyncContextManager[Limits]]
"""Each time a limiter without a single window."""
