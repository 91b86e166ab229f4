"""A whole service for every test; over memory unless the test is about storages."""

import pytest

from tests.support.ports import memory_ports
from tests.support.service import Service


@pytest.fixture
def service() -> Service:
    return Service(memory_ports())
