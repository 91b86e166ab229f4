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


class Health(msgspec.Struct, frozen=True):
    """``degraded`` still serves, with less than it should have."""

    status: Literal["alive", "ready", "degraded"]


def health_routes(
    *, docs: str | None, checks: Mapping[str, Check], seconds: float = CHECK_SECONDS
) -> list[HTTPRouteHandler]:
    """*docs* is their path, or ``None`` where they are off; each of *checks* has *seconds* to answer."""

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
        """Answer 200 while everything that the service stands on does; else 503, naming what does not."""
        outcomes = await asyncio.gather(*(_passes(name, check, seconds) for name, check in checks.items()))
        if not all(outcomes):
            raise NotReady({name: "ok" if passed else "failed" for name, passed in zip(checks, outcomes, strict=True)})
        return Health("ready")

    return [welcome, live, ready]


async def _passes(name: str, check: Check, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception:
        logger.warning("not ready: %s", name, exc_info=True)
        return False
    return True
