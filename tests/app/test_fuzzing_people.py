"""Schemathesis, all phases and all checks, over the whole OpenAPI document, as an admin and as a member.

``make fuzz`` looks longer: ``HEXKEY_TEST_FUZZ`` is how many examples there are of each operation, over every storage.
"""

import pytest

from tests.support.databases import Databases
from tests.support.fuzzing import document_is_so, runs


@pytest.mark.parametrize(("role", "storage"), runs(admin="sqlite", member="memory"))
def test_everything_in_the_document_is_so(databases: Databases, role: str, storage: str) -> None:
    document_is_so(databases, role, storage)
