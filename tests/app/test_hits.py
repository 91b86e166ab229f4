"""Whoever is remembered is let in without a wait and without a look at anything."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from adapters.leases import LeasedDirectory
from domain.model.actors import Origin
from domain.model.limits import Policy
from tests.support.databases import memory_storage
from tests.support.ports import NO_LIMITS, ports_over
from tests.support.service import Person, Service

ORIGIN = Origin(address="203.0.113.7")


class Away:
    """Whatever it is asked, it is not there."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """What *work* returns, if it awaits nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise AssertionError("it waits")


@pytest.fixture
async def service() -> Service:
    storage = memory_storage()
    directory = LeasedDirectory(storage.directory, storage.changes, clock=storage.clock)
    for _ in range(2):
        await directory.follow()
    rules = replace(NO_LIMITS, default_limit=Policy(1000, 60))
    return Service(ports_over(storage, directory=directory, rules=rules))


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user()


async def credentials(service: Service, ada: Person) -> tuple[str, str, str]:
    """A key, an access token and a cookie that were each used once, in a service that can reach nothing any more."""
    key, token = (await ada.key()).secret, ada.tokens["access_token"]
    cookie = (await service.browser(ada)).session.partition("=")[2]
    access, directory = service.services.access, service.ports.directory
    await access.authenticate(key, ORIGIN)
    await access.authenticate(token, ORIGIN)
    await access.authenticate_cookie(cookie, ORIGIN)
    assert isinstance(directory, LeasedDirectory)
    for _ in range(2):
        await directory.follow()
    for name in ("_source", "_changes"):
        setattr(directory, name, Away())
    access._session_uses._uow = Away()  # type: ignore[assignment]
    return key, token, cookie


async def test_a_known_credential_is_let_in_at_once(service: Service, ada: Person) -> None:
    key, token, cookie = await credentials(service, ada)
    access = service.services.access
    came = [access.authenticate(key, ORIGIN), access.authenticate(token, ORIGIN)]
    came.append(access.authenticate_cookie(cookie, ORIGIN))
    for work in came:
        actor = at_once(work)
        assert str(actor.user_id) == ada.id
        assert at_once(access.admit(actor)).admitted
        assert access.is_current(actor)


async def test_a_known_key_is_verified_at_once(service: Service, ada: Person) -> None:
    key, token, _ = await credentials(service, ada)
    access = service.services.access
    caller = at_once(access.authenticate(token, ORIGIN))
    caller = replace(caller, permissions=frozenset({"api_keys:verify"}))
    assert at_once(access.verify(caller, key)).grant.key.name == "robot"


async def test_a_stranger_does_wait(service: Service, ada: Person) -> None:
    _, token, _ = await credentials(service, ada)
    service.ports.directory._book.entries.clear()  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="was asked for"):
        at_once(service.services.access.authenticate(token, ORIGIN))
