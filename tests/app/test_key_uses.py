"""How keys are used is counted beside the request, and written down now and then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.security.key_secrets import HmacKeySecrets
from adapters.security.roots import RootSecrets
from app.background import uses_job
from domain.errors import Unavailable
from domain.model.ids import KeyId
from domain.ports.unit_of_work import UnitOfWork
from domain.services.key_uses import KeyUses
from tests.support.databases import memory_storage
from tests.support.examples import a_key, a_user
from tests.support.fakes import START, CountingIds
from tests.support.ports import memory_ports, ports_over
from tests.support.service import Person, Robot, Service, presenting

FAR = "198.51.100.9"


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


async def used(owner: Person, robot: Robot) -> tuple[object, object, object]:
    view = (await owner.get(f"/v1/api-keys/{robot.id}")).json()
    return view["use_count"], view["last_used_at"], view["last_used_ip"]


async def test_a_use_is_seen_once_it_has_been_written_down(service: Service, ada: Person) -> None:
    robot = await ada.key()
    await robot.get("/v1/whoami")
    service.advance(seconds=5)
    await service.at(FAR).saying(**presenting(robot.secret)).get("/v1/projects/nonsense")
    assert await used(ada, robot) == (0, None, None)
    await flush(service)
    assert await used(ada, robot) == (2, "2026-01-01T00:00:05Z", FAR)
    answer = await ada.saying(if_match='"1"').patch(f"/v1/api-keys/{robot.id}", name="new")
    assert answer.status_code == 200


async def test_each_secret_of_a_key_has_uses_of_its_own(service: Service, ada: Person) -> None:
    robot = await ada.key()
    await robot.get("/v1/whoami")
    service.advance(minutes=1)
    new = (await ada.post(f"/v1/api-keys/{robot.id}/rotate", grace="1h")).json()["api_key"]
    for _ in range(2):
        await service.anyone.saying(**presenting(new)).get("/v1/whoami")
    await flush(service)
    view = (await ada.get(f"/v1/api-keys/{robot.id}")).json()
    assert view["use_count"] == 3
    assert [version["last_used_at"] for version in view["versions"]] == ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"]


async def test_verifying_a_key_is_a_use_from_the_address_that_was_named(service: Service, ada: Person) -> None:
    robot, admin = await ada.key(), await service.admin()
    await admin.post("/v1/api-keys/verify", api_key=robot.secret, address=FAR)
    await flush(service)
    assert await used(ada, robot) == (1, "2026-01-01T00:00:00Z", FAR)


async def test_what_is_refused_is_no_use(service: Service, ada: Person) -> None:
    robot, admin = await ada.key(allowed_networks=["192.0.2.0/24"]), await service.admin()
    await robot.get("/v1/whoami")
    await admin.post("/v1/api-keys/verify", api_key=robot.secret, address=FAR)
    await admin.post("/v1/api-keys/verify", api_key=robot.secret, permissions=["users:read"])
    await flush(service)
    assert await used(ada, robot) == (0, None, None)


async def test_whoever_shuts_down_writes_down_what_is_left(ada: Person, service: Service) -> None:
    robot = await ada.key()
    await robot.get("/v1/whoami")
    await service.services.close()
    assert (await used(ada, robot))[0] == 1


async def flush(service: Service) -> None:
    await service.services.key_uses.flush()


def test_of_each_secret_there_is_at_most_one_write_a_minute() -> None:
    job = uses_job(KeyUses(uow=memory_ports().uow))
    assert min(job.pause(0) for _ in range(1000)) >= 60
    assert max(job.pause(failures) for failures in range(20)) <= 72


class Away:
    """A storage that is away, then back; it counts its units of work."""

    def __init__(self, uow: Any) -> None:
        self.uow = uow
        self.is_away = True
        self.units = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[UnitOfWork]:
        self.units += 1
        if self.is_away:
            raise Unavailable
        async with self.uow() as work:
            yield work


async def test_what_cannot_be_written_is_kept_and_joined_by_what_follows() -> None:
    storage, owner = memory_storage(), a_user()
    key = a_key(owner)
    await storage.given(owner, key)
    away = Away(storage.uow)
    uses = KeyUses(uow=away)
    uses.note(key.id, 1, at=START + timedelta(seconds=1), address="::1")
    uses.note(key.id, 1, at=START, address="::2")
    with pytest.raises(Unavailable):
        await uses.flush()
    uses.note(key.id, 1, at=START + timedelta(seconds=2), address=None)
    away.is_away = False
    await asyncio.gather(uses.flush(), uses.flush())
    async with storage.uow.reading() as work:
        kept = (await work.keys.get(key.id)).newest
    assert (kept.use_count, kept.last_used_at, kept.last_used_ip) == (3, START + timedelta(seconds=2), None)


async def test_many_are_written_in_a_few_units_and_nothing_in_none() -> None:
    storage, owner = memory_storage(), a_user()
    keys = [a_key(owner) for _ in range(501)]
    await storage.given(owner, *keys)
    counted = Away(storage.uow)
    counted.is_away = False
    uses = KeyUses(uow=counted)
    await uses.flush()
    assert counted.units == 0
    for key in keys:
        uses.note(KeyId(key.id), 1, at=START, address=None)
    await uses.flush()
    assert counted.units == 2


OLD, NEW = "kT3vQ9zLw6Yp1Rb8Xn4Ms7Jd2Fh5Gc0A", "a second root secret, of thirty-two bytes"


def under(*roots: str) -> HmacKeySecrets:
    return HmacKeySecrets(RootSecrets(list(roots)))


async def test_a_key_that_is_used_is_kept_under_the_newest_root_secret_from_then_on() -> None:
    storage = memory_storage()
    before = Service(ports_over(storage, key_secrets=under(OLD)))
    ada = await before.user()
    used, unused = await ada.key(), await ada.key()
    during = Service(ports_over(storage, key_secrets=under(NEW, OLD), ids=CountingIds(1000)))
    for robot in (used, used):
        assert (await during.anyone.saying(**presenting(robot.secret)).get("/v1/whoami")).status_code == 200
    await flush(during)
    await flush(during)
    after = Service(ports_over(storage, key_secrets=under(NEW), ids=CountingIds(2000)))
    whoami = [await after.anyone.saying(**presenting(r.secret)).get("/v1/whoami") for r in (used, unused)]
    assert [answer.status_code for answer in whoami] == [200, 401]
    async with storage.uow.reading() as work:
        key = await work.keys.get(KeyId(UUID(used.id)))
    assert (key.version, key.newest.use_count) == (1, 2)


async def test_a_digest_that_could_not_be_written_is_noted_again_at_the_next_use() -> None:
    storage = memory_storage()
    ada = await Service(ports_over(storage, key_secrets=under(OLD))).user()
    robot = await ada.key()
    away = Away(storage.uow)
    during = Service(ports_over(storage, key_secrets=under(NEW, OLD), ids=CountingIds(1000)))
    during.services.key_uses._uow = away
    caller = during.anyone.saying(**presenting(robot.secret))
    await caller.get("/v1/whoami")
    with pytest.raises(Unavailable):
        await flush(during)
    away.is_away = False
    await caller.get("/v1/whoami")
    await flush(during)
    after = Service(ports_over(storage, key_secrets=under(NEW), ids=CountingIds(2000)))
    assert (await after.anyone.saying(**presenting(robot.secret)).get("/v1/whoami")).status_code == 200
    async with storage.uow.reading() as work:
        assert (await work.keys.get(KeyId(UUID(robot.id)))).newest.use_count == 2
