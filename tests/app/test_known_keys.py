"""Who was let in by a key is let in by it again at once, and judged as anew each time."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.leases import LeasedDirectory
from adapters.security.key_secrets import HmacKeySecrets
from adapters.security.roots import RootSecrets
from domain.errors import InvalidCredential, KeyExpired, KeySuspended
from domain.model.actors import Origin
from domain.services import known_keys
from tests.support.databases import Storage, memory_storage
from tests.support.fakes import CountingIds
from tests.support.ports import ports_over
from tests.support.service import Person, Service

HOME = Origin(address="203.0.113.7", request_id="first", user_agent="curl")
AWAY = Origin(address="192.0.2.1")
OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"


def under(*roots: str) -> HmacKeySecrets:
    return HmacKeySecrets(RootSecrets(list(roots)))


async def leased(storage: Storage, **given: Any) -> Service:
    directory = LeasedDirectory(storage.directory, storage.changes, clock=storage.clock)
    for _ in range(2):
        await directory.follow()
    return Service(ports_over(storage, directory=directory, **given))


@pytest.fixture
async def service() -> Service:
    return await leased(memory_storage())


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user()


async def test_each_call_is_told_apart(service: Service, ada: Person) -> None:
    access, key = service.services.access, (await ada.key("read", metadata={"a": [1]})).secret
    first = await access.authenticate(key, HOME)
    again = await access.authenticate(key, AWAY)
    assert (first.origin, again.origin) == (HOME, AWAY)
    assert replace(again, origin=HOME) == first
    assert again.grant is first.grant


async def test_its_time_is_asked_for_each_time(service: Service, ada: Person) -> None:
    access, robot = service.services.access, await ada.key("read", expires_in="1h")
    await access.authenticate(robot.secret, HOME)
    service.advance(minutes=61)
    with pytest.raises(KeyExpired):
        await access.authenticate(robot.secret, HOME)


async def test_so_is_that_of_an_older_secret(service: Service, ada: Person) -> None:
    access, robot = service.services.access, await ada.key("read")
    await ada.post(f"/v1/api-keys/{robot.id}/rotate", grace="1h")
    assert (await access.authenticate(robot.secret, HOME)).retirement is not None
    assert (await access.authenticate(robot.secret, HOME)).retirement is not None
    service.advance(minutes=61)
    with pytest.raises(InvalidCredential):
        await access.authenticate(robot.secret, HOME)


async def test_so_is_its_network(service: Service, ada: Person) -> None:
    access, robot = service.services.access, await ada.key("read", allowed_networks=["203.0.113.0/24"])
    for _ in range(2):
        await access.authenticate(robot.secret, HOME)
        with pytest.raises(InvalidCredential):
            await access.authenticate(robot.secret, AWAY)


async def test_so_is_whether_anything_has_changed(service: Service, ada: Person) -> None:
    access, robot = service.services.access, await ada.key("read", "writer")
    assert (await access.authenticate(robot.secret, HOME)).may("projects:create")
    await ada.patch(f"/v1/api-keys/{robot.id}", scopes=["read"])
    await follow(service)
    assert not (await access.authenticate(robot.secret, HOME)).may("projects:create")
    await ada.post(f"/v1/api-keys/{robot.id}/suspend")
    await follow(service)
    with pytest.raises(KeySuspended):
        await access.authenticate(robot.secret, HOME)


async def follow(service: Service) -> None:
    assert isinstance(service.ports.directory, LeasedDirectory)
    await service.ports.directory.follow()


async def test_a_secret_under_an_old_root_is_noted_at_every_use_until_it_is_renewed() -> None:
    storage = memory_storage()
    robot = await (await Service(ports_over(storage, key_secrets=under(OLD))).user()).key("read")
    access = (await leased(storage, key_secrets=under(NEW, OLD), ids=CountingIds(1000))).services.access
    for _ in range(3):
        await access.authenticate(robot.secret, HOME)
        assert len(access._uses._renewed) == 1
        access._uses._renewed.clear()


async def test_no_more_are_known_than_there_is_room_for(
    service: Service, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_keys, "_KEPT_MAX", 2)
    access, robots = service.services.access, [await ada.key("read") for _ in range(4)]
    for robot in (*robots, *robots):
        assert str((await access.authenticate(robot.secret, HOME)).key_id) == robot.id
        assert len(access._known._kept) <= 2
