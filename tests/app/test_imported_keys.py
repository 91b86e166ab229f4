"""Keys of other services, imported: the first use has them kept as ours, and all else holds for them too."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.leases import LeasedDirectory
from domain.model.ids import KeyId
from domain.model.keys import SecretVersion
from domain.services.key_imports import ImportReport, KeyImport
from domain.services.key_requests import KeyRequest
from tests.support.databases import NAMES, Databases, Storage
from tests.support.foreign_keys import CHEAP, CHEAP_ARGON2, CHEAP_BCRYPT, OF_KWIK, OF_OTHERS, ForeignKey
from tests.support.ports import ports_over
from tests.support.service import OPERATOR, Person, Service, presenting, refusal


class Counted:
    """How often a key is checked as the other service did."""

    def __init__(self, imported: Any) -> None:
        self._imported = imported
        self.checks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._imported, name)

    async def proves(self, *args: Any) -> bool:
        self.checks += 1
        proved: bool = await self._imported.proves(*args)
        return proved


class Worker(Service):
    def __init__(self, storage: Storage, **given: Any) -> None:
        self.directory = LeasedDirectory(storage.directory, storage.changes, clock=storage.clock)
        self.imported = Counted(ports_over(storage).imported_secrets)
        super().__init__(ports_over(storage, directory=self.directory, imported_secrets=self.imported, **given))

    async def use(self, plain: str, path: str = "/v1/whoami") -> httpx.Response:
        """Once it has looked at what has changed."""
        await self.directory.follow()
        return await self.anyone.saying(**presenting(plain)).get(path)

    async def kept(self, key_id: KeyId) -> SecretVersion:
        async with self.ports.uow.reading() as work:
            return (await work.keys.get(key_id)).newest


@pytest.fixture(params=NAMES)
async def storage(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Storage]:
    async with databases.storage(request.param) as opened:
        yield opened


@pytest.fixture
def worker(storage: Storage) -> Worker:
    return Worker(storage)


@pytest.fixture
async def ada(worker: Worker) -> Person:
    return await worker.user("ada@example.org")


async def imported(worker: Worker, *keys: ForeignKey, **how: Any) -> ImportReport:
    members = {name: how.pop(name) for name in ("is_active", "owner", "last4") if name in how}
    request = KeyRequest(**{"name": "robot", "scopes": ["read"], **how.pop("request", {})})
    asked = [
        KeyImport(**{"line": line, "owner": "ada@example.org", "foreign": key.kept, "request": request, **members})
        for line, key in enumerate(keys, 1)
    ]
    return await worker.services.key_imports.run(OPERATOR, asked, **how)


@pytest.mark.parametrize("key", CHEAP, ids=lambda key: key.plain[:24])
async def test_the_first_use_has_it_kept_as_ours(
    worker: Worker, storage: Storage, ada: Person, key: ForeignKey
) -> None:
    [made] = (await imported(worker, key)).imported
    before = await worker.kept(made.id)
    answer = await worker.use(key.plain)
    assert (answer.status_code, answer.json()["key_id"], answer.json()["scopes"]) == (200, str(made.id), ["read"])
    after = await worker.kept(made.id)
    assert (before.is_imported, after.is_imported, worker.imported.checks) == (True, False, 1)
    assert after.digest != before.digest
    assert len(after.digest) == 32
    for _ in range(3):
        assert (await worker.use(key.plain)).status_code == 200
    assert (await Worker(storage).use(key.plain)).status_code == 200
    assert worker.imported.checks == 1
    [event] = [event for event in await worker.events() if event.action == "api_key.imported"]
    assert (event.subject, event.changes) == (f"api_key:{made.id}", {"scopes": ["read"]})


async def test_what_is_wrong_is_refused_and_changes_nothing(worker: Worker, ada: Person) -> None:
    report = await imported(worker, *CHEAP)
    for key, made in zip(CHEAP, report.imported, strict=True):
        for wrong in (key.wrong, key.plain + "a", key.plain.upper()):
            assert refusal(await worker.use(wrong)) == (401, "invalid_credential")
        assert (await worker.kept(made.id)).is_imported
    assert refusal(await worker.use("ak_v1-0000000000000000-" + "a" * 64)) == (401, "invalid_credential")


async def test_two_workers_at_once_and_each_twice(worker: Worker, storage: Storage, ada: Person) -> None:
    other = Worker(storage)
    [made] = (await imported(worker, CHEAP_BCRYPT)).imported
    answers = await asyncio.gather(*(one.use(CHEAP_BCRYPT.plain) for one in (worker, other) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert worker.imported.checks + other.imported.checks < len(answers)  # who come at once wait for one check
    kept = await worker.kept(made.id)
    assert not kept.is_imported
    assert (await other.use(CHEAP_BCRYPT.plain)).status_code == 200
    for one in (worker, other):
        await one.services.key_uses.flush()
    assert (await worker.kept(made.id)).digest == kept.digest


async def test_once_it_is_known_no_request_asks_the_store(worker: Worker, ada: Person) -> None:
    """The SHA-512 of a text is what is asked for last."""
    await imported(worker, OF_OTHERS)
    for _ in range(2):
        await worker.directory.follow()
        assert (await worker.use(OF_OTHERS.plain)).status_code == 200
    worker.directory._source = None  # type: ignore[assignment]
    assert (await worker.use(OF_OTHERS.plain)).status_code == 200


async def test_imported_twice_it_is_there_once_and_stays_as_it_is(worker: Worker, ada: Person) -> None:
    [made] = (await imported(worker, OF_KWIK)).imported
    assert (await ada.post(f"/v1/api-keys/{made.id}/revoke")).status_code == 200
    again = await imported(worker, OF_KWIK, OF_OTHERS)
    assert ([key.id for key in again.present], len(again.imported)) == ([made.id], 1)
    assert refusal(await worker.use(OF_KWIK.plain)) == (401, "key_revoked")
    assert refusal(await worker.use(OF_KWIK.wrong)) == (401, "invalid_credential")


async def test_a_key_that_slept_is_suspended_and_is_told_so_only_to_who_has_it(worker: Worker, ada: Person) -> None:
    [made] = (await imported(worker, CHEAP_ARGON2, is_active=False)).imported
    assert refusal(await worker.use(CHEAP_ARGON2.plain)) == (401, "key_suspended")
    assert refusal(await worker.use(CHEAP_ARGON2.wrong)) == (401, "invalid_credential")
    assert (await ada.post(f"/v1/api-keys/{made.id}/resume")).status_code == 200
    assert (await worker.use(CHEAP_ARGON2.plain)).status_code == 200


async def test_it_does_no_more_than_its_owner_and_ends_when_told(worker: Worker, storage: Storage, ada: Person) -> None:
    [made] = (await imported(worker, OF_KWIK, request={"scopes": ["users:read", "projects:read"]})).imported
    assert refusal(await worker.use(OF_KWIK.plain, "/v1/users")) == (403, "permission_denied")
    assert (await worker.use(OF_KWIK.plain, "/v1/projects")).status_code == 200
    rotated = (await ada.post(f"/v1/api-keys/{made.id}/rotate", grace="1h")).json()["api_key"]
    assert rotated.startswith("hk_")
    for plain in (rotated, OF_KWIK.plain):
        assert (await worker.use(plain)).json()["key_id"] == str(made.id)
    ended = await worker.anyone.saying(**presenting(OF_KWIK.plain)).post("/v1/api-keys/revoke-self")
    assert ended.status_code == 204
    assert refusal(await worker.use(OF_KWIK.plain)) == (401, "invalid_credential")
    assert (await worker.use(rotated)).status_code == 200


async def test_it_is_verified_for_others_and_introspected(worker: Worker, ada: Person) -> None:
    [made] = (await imported(worker, CHEAP_BCRYPT)).imported
    admin = await worker.admin()
    for plain, code in ((CHEAP_BCRYPT.wrong, "unknown"), (CHEAP_BCRYPT.plain, "valid"), ("x" * 40, "unknown")):
        assert (await admin.post("/v1/api-keys/verify", api_key=plain)).json()["code"] == code
    assert not (await worker.kept(made.id)).is_imported


async def test_guesses_at_slow_ones_are_few_a_minute_and_the_right_one_is_none(worker: Worker, ada: Person) -> None:
    await imported(worker, CHEAP_ARGON2, CHEAP_BCRYPT)
    for _ in range(30):
        assert refusal(await worker.use(CHEAP_ARGON2.wrong)) == (401, "invalid_credential")
    limited = await worker.use(CHEAP_ARGON2.wrong)
    assert refusal(limited) == (429, "quota_exceeded")
    assert int(limited.headers["retry-after"]) >= 1
    assert worker.imported.checks == 30
    elsewhere = worker.at("198.51.100.9").saying(**presenting(CHEAP_ARGON2.plain))
    assert (await elsewhere.get("/v1/whoami")).status_code == 200
    assert (await worker.use(CHEAP_ARGON2.plain)).status_code == 200


async def test_all_of_it_is_kept_or_nothing(worker: Worker, ada: Person) -> None:
    nobody = KeyImport(
        line=9, owner="nobody@example.org", foreign=OF_OTHERS.kept, request=KeyRequest(name="a", scopes=["read"])
    )
    good = KeyImport(line=7, owner=ada.email, foreign=OF_KWIK.kept, request=KeyRequest(name="a", scopes=["read"]))
    twice = KeyImport(line=8, owner=ada.email, foreign=OF_KWIK.kept, request=KeyRequest(name="b", scopes=["read"]))
    unknown = KeyImport(
        line=3, owner=ada.email, foreign=CHEAP_BCRYPT.kept, request=KeyRequest(name="b", scopes=["nonsense"])
    )
    run = worker.services.key_imports.run
    report = await run(OPERATOR, [good, twice, nobody, unknown])
    assert (report.imported, [refused.line for refused in report.refused]) == ((), [3, 8, 9])
    report = await run(OPERATOR, [good], dry_run=True)
    assert (len(report.imported), report.refused) == (1, ())
    assert (await ada.get("/v1/api-keys")).json()["total"] == 0
    report = await run(OPERATOR, [good, twice, nobody, unknown], skip_refused=True)
    assert [key.name for key in report.imported] == ["a"]
    assert (await ada.get("/v1/api-keys")).json()["total"] == 1


async def test_of_two_imports_at_once_each_key_is_made_by_one_and_there_for_the_other(
    worker: Worker, ada: Person
) -> None:
    reports = await asyncio.gather(*(imported(worker, *CHEAP) for _ in range(4)))
    made = [key.id for report in reports for key in report.imported]
    assert len(made) == len(set(made)) == len(CHEAP)
    assert {len(report.imported) + len(report.present) for report in reports} == {len(CHEAP)}
    assert [report.refused for report in reports] == [()] * 4


async def test_the_quota_of_the_owner_holds(worker: Worker, ada: Person) -> None:
    for _ in range(99):
        await ada.key()
    report = await imported(worker, OF_KWIK, OF_OTHERS)
    assert (report.imported, [refused.line for refused in report.refused]) == ((), [2])
    assert (await ada.get("/v1/api-keys")).json()["total"] == 99
    report = await imported(worker, OF_KWIK, OF_OTHERS, skip_refused=True)
    assert (len(report.imported), [refused.line for refused in report.refused]) == (1, [2])
