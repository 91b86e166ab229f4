"""Schemathesis, all phases and all checks, over the whole OpenAPI document, as a key and as nobody.

``make fuzz`` looks longer: ``HEXKEY_TEST_FUZZ`` is how many examples there are of each operation, over every storage.
"""

import pytest

from tests.support.databases import Databases
from tests.support.fuzzing import Gate, anonymous, document_is_so, fuzz, openapi, runs


@pytest.mark.parametrize(("role", "storage"), runs(key="memory", anonymous="sqlite"))
def test_everything_in_the_document_is_so(databases: Databases, role: str, storage: str) -> None:
    document_is_so(databases, role, storage)


def test_a_document_that_lies_is_noticed(databases: Databases) -> None:
    document = openapi()
    document["paths"] = {"/v1/auth/register": document["paths"]["/v1/auth/register"]}
    responses = document["paths"]["/v1/auth/register"]["post"]["responses"]
    responses["202"] = responses.pop("201")
    report = fuzz(document, Gate(databases, "memory", anonymous), known=False, examples=2, excuses=())
    checks = {check for _, check in report.failures}
    assert checks >= {"status_code_conformance", "positive_data_acceptance"}, str(report)
