"""What was found in other services of API keys, first of all in keyshield, does not happen here.

It remembers a key as a whole and writes it back as a whole at each use, so that a key that was revoked meanwhile is
active again; it sleeps at each refusal; it writes at each request; and it loses keys with its process.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.leases import LeasedDirectory
from adapters.sql import Database
from domain.model.ids import KeyId
from tests.support.databases import NAMES, Databases, Storage, sql_storage
from tests.support.ports import ports_over
from tests.support.process import installation
from tests.support.service import Person, Robot, Service, presenting, refusal

ROUNDS, USES = 12, 100


class Worker(Service):
    """One of several over the same *storage*: it remembers by itself what it has read."""

    def __init__(self, storage: Storage) -> None:
        self.directory = LeasedDirectory(storage.directory, storage.changes, clock=storage.clock)
        super().__init__(ports_over(storage, directory=self.directory))

    async def use(self, key: Robot) -> httpx.Response:
        return await self.anyone.saying(**presenting(key.secret)).get("/v1/whoami")


@pytest.fixture(params=NAMES)
async def storage(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Storage]:
    async with databases.storage(request.param) as opened:
        yield opened


async def require_revoked(ada: Person, key: Robot, *workers: Worker) -> None:
    """In what is kept, and at every worker once it has looked."""
    assert (await ada.get(f"/v1/api-keys/{key.id}")).json()["status"] == "revoked"
    for worker in workers:
        await worker.directory.follow()
        assert refusal(await worker.use(key)) == (401, "key_revoked")


async def test_what_a_worker_remembers_of_a_revoked_key_is_never_written_back(storage: Storage) -> None:
    one, other = Worker(storage), Worker(storage)
    ada = await one.user("ada@example.org")
    key = await ada.key()
    assert (await other.use(key)).status_code == 200
    assert (await ada.post(f"/v1/api-keys/{key.id}/revoke")).status_code == 200
    await other.services.key_uses.flush()
    await require_revoked(ada, key, one, other)
    assert (await ada.get(f"/v1/api-keys/{key.id}")).json()["use_count"] == 1


async def test_whatever_happens_to_a_key_at_the_same_time_a_revoked_one_stays_revoked(storage: Storage) -> None:
    one, other = Worker(storage), Worker(storage)
    ada, order = await one.user("ada@example.org"), random.Random(7)
    for _ in range(ROUNDS):
        key = await ada.key()
        path = f"/v1/api-keys/{key.id}"
        revoking = asyncio.ensure_future(ada.post(f"{path}/revoke"))
        at_once: list[Any] = [
            revoking,
            ada.patch(path, name="new", metadata={"a": 1}),
            ada.post(f"{path}/rotate", grace="1h"),
            ada.post(f"{path}/suspend"),
            ada.post(f"{path}/resume"),
            *(worker.use(key) for worker in (one, other) for _ in range(2)),
            *(worker.services.key_uses.flush() for worker in (one, other)),
        ]
        order.shuffle(at_once)
        done = await asyncio.gather(*at_once)
        assert {answer.status_code for answer in done if answer is not None} <= {200, 401, 409}
        assert revoking.result().status_code == 200
        for worker in (one, other):
            await worker.services.key_uses.flush()
        assert refusal(await ada.post(f"{path}/resume")) == (409, "key_ended")
        await require_revoked(ada, key, one, other)


async def test_nobody_sleeps_before_a_refusal(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(storage)
    ada, admin = await worker.user("ada@example.org"), await worker.admin()
    key = await ada.key()
    ids = KeyId(UUID(key.id)), KeyId(worker.ports.ids.new())
    wrong = [worker.ports.key_secrets.mint(key_id).plain for key_id in ids]

    async def sleep(*_: object) -> None:
        raise AssertionError("it sleeps")

    def block(*_: object) -> None:
        raise AssertionError("it sleeps, and everybody with it")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(time, "sleep", block)
    monkeypatch.setattr(storage.clock, "sleep", sleep)
    for secret in (*wrong, wrong[0][:-1], "nonsense"):
        answer = await worker.anyone.saying(**presenting(secret)).get("/v1/whoami")
        assert refusal(answer) == (401, "invalid_credential")
        assert (await admin.post("/v1/api-keys/verify", api_key=secret)).json()["code"] == "unknown"
    assert (await worker.use(key)).status_code == 200


@pytest.mark.parametrize("name", ["sqlite", "postgres"])
async def test_a_request_with_a_key_writes_nothing(databases: Databases, name: str) -> None:
    async with databases.sql(name) as database:
        written = counted(database)
        worker = Worker(sql_storage(database))
        key = await (await worker.user("ada@example.org")).key()
        before = len(written)
        answers = await asyncio.gather(*(worker.use(key) for _ in range(USES)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(written) == before
        await worker.services.key_uses.flush()
        assert len(written) == before + 1


def counted(database: Database) -> list[object]:
    """Has an entry for each unit of work that may write, from now on."""
    begun: list[object] = []
    writing = database.writing

    def counting() -> object:
        begun.append(unit := writing())
        return unit

    database.writing = counting  # type: ignore[method-assign,assignment]
    return begun


def test_keys_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    """With nothing set up: the secret that their digests depend on is kept too."""
    made: list[str] = []
    with installation(tmp_path, "sqlite") as installed:
        installed.migrate()
        for _ in range(2):
            with installed.server() as server:
                asked = {"name": "robot", "scopes": ["read"]}
                answer = httpx.post(f"{server.url}/v1/api-keys", headers=server.signed_in(), json=asked, timeout=10)
                made.append(answer.json()["api_key"])
                for key in made:
                    used = httpx.get(f"{server.url}/v1/whoami", headers={"x-api-key": key}, timeout=10)
                    assert used.status_code == 200
