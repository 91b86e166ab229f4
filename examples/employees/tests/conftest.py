import pytest

from examples.employees.app import handlers, ports_of


@pytest.fixture
def hexkey_connect():
    return ports_of


@pytest.fixture
def hexkey_handlers():
    return handlers
