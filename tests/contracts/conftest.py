"""Every test in this folder runs once per storage; a port means what these tests say."""

from collections.abc import AsyncIterator

import pytest

from domain.model.projects import Project
from domain.model.users import User
from tests.support.databases import NAMES, Databases, Storage
from tests.support.examples import a_project, a_user


@pytest.fixture(params=NAMES)
async def storage(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Storage]:
    async with databases.storage(request.param) as opened:
        yield opened


@pytest.fixture
async def owner(storage: Storage) -> User:
    user = a_user()
    await storage.given(user)
    return user


@pytest.fixture
async def project(storage: Storage, owner: User) -> Project:
    project = a_project(owner)
    await storage.given(project)
    return project
