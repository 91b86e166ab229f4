"""A whole service for every test; over memory unless the test is about storages."""

from collections.abc import Iterator

import pytest

from tests.support.databases import Databases
from tests.support.ports import memory_ports
from tests.support.service import Service


@pytest.fixture
def service() -> Service:
    return Service(memory_ports())


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.drop()
