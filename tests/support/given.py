"""What the suites of storages ask for besides the ``storage`` itself."""

import pytest

from domain.model.projects import Project
from domain.model.users import User

from .databases import Storage
from .examples import a_project, a_user


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
