"""What a visitor, a supervisor and a load balancer ask: who is there, is it alive, can it work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from app.http.doors import public
from app.http.errors import NotReady

logger = logging.getLogger("hexkey")

Check = Callable[[], Awaitable[None]]
"""Raises when what it looks at cannot serve."""

CHECK_SECONDS = 1.0


class Welcome(msgspec.Struct, frozen=True):
    name: str
    docs: str | None


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """``degraded`` still serves, with less than it should have; *checks* says what is amiss."""

    status: Literal["alive", "ready", "degraded"]
    checks: dict[str, str] = {}


def health_routes(
    *,
    docs: str | None,
    checks: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    seconds: float = CHECK_SECONDS,
) -> list[HTTPRouteHandler]:
    """*docs* is their path, or ``None`` where they are off; *optional* looks at what one can serve without.

    Each check has *seconds* to answer.
    """

    @get("/", opt=public(), tags=["Service"])
    async def welcome() -> Welcome:
        """Name the service and where its documentation is."""
        return Welcome("hexkey", docs)

    @get("/health/live", opt=public(limited=False), tags=["Service"])
    async def live() -> Health:
        """Answer as long as the process does."""
        return Health("alive")

    @get("/health/ready", opt=public(limited=False), tags=["Service"])
    async def ready() -> Health:
        """Answer 200 while everything that the service stands on does; else 503, naming what does not.

        It is ``degraded``, and still 200, without what it can serve without.
        """
        needed, wanted = await asyncio.gather(
            _states(checks, "failed", seconds), _states(optional or {}, "degraded", seconds)
        )
        states = needed | wanted
        if "failed" in states.values():
            raise NotReady(states)
        return Health("degraded", states) if "degraded" in states.values() else Health("ready")

    return [welcome, live, ready]


async def _states(checks: Mapping[str, Check], otherwise: str, seconds: float) -> dict[str, str]:
    states = await asyncio.gather(*(_state(name, check, otherwise, seconds) for name, check in checks.items()))
    return dict(zip(checks, states, strict=True))


async def _state(name: str, check: Check, otherwise: str, seconds: float) -> str:
    """What one can do without says itself, once, that it is away."""
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception:
        level = logging.WARNING if otherwise == "failed" else logging.DEBUG
        logger.log(level, "%s: %s", otherwise, name, exc_info=True)
        return otherwise
    return "ok"
