"""No promise without a proof: a port method, or a refusal it names, that no contract test here shows, fails below.

The evidence is the source: a test takes ``storage`` and calls ``….noun.method(…)``, inside ``pytest.raises(Refusal)``
where a refusal is to be shown.
"""

from pathlib import Path

import pytest

from tests.support.promises import methods, promises, proofs, proofs_in

SHOWN = proofs_in(Path(__file__).parent)


@pytest.mark.parametrize(("method", "refusal"), sorted(promises(), key=str))
def test_a_test_shows(method: str, refusal: str | None) -> None:
    assert (method, refusal) in SHOWN


def test_the_promises_are_read_from_the_ports() -> None:
    assert {"users.add", "events.list", "directory.find_session", "uow.reading"} <= methods().keys()
    assert {("users.add", "EmailTaken"), ("keys.add", "QuotaReached"), ("uow.reading", "RuntimeError")} <= promises()


def test_a_call_proves_a_refusal_only_where_it_is_expected() -> None:
    source = """
async def test_it(storage):
    await work.users.get(1)
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.users.save(1)

async def test_without_a_storage(work):
    await work.users.add(1)
"""
    shown = {(method, refusal) for method, refusal in proofs(source) if method.startswith("users.")}
    assert shown == {("users.get", None), ("users.save", None), ("users.save", "UserNotFound")}
