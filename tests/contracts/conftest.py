"""Every test in this folder runs once per storage, or per limiter; a port means what these tests say."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.support import limits
from tests.support.databases import NAMES, Databases, Storage
from tests.support.given import owner, project

__all__ = ("open_limits", "owner", "project", "storage")


@pytest.fixture(params=NAMES)
async def storage(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Storage]:
    async with databases.storage(request.param) as opened:
        yield opened


@pytest.fixture(params=limits.NAMES)
def open_limits(request: pytest.FixtureRequest) -> limits.OpenLimits:
    return partial(limits.limits, request.param)
