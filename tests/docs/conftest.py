"""A test that takes a ``guide`` is run for each of its module's ``GUIDES``."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "guide" in metafunc.fixturenames:
        metafunc.parametrize("guide", metafunc.module.GUIDES, ids=lambda guide: guide.name)
