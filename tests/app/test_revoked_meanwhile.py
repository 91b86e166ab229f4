"""What takes its time at the door, counting a call or writing down that somebody came, is no gap: whoever is revoked in
between is refused, and whoever only changed is let in as what they are now.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from adapters.leases import LeasedDirectory
from adapters.memory.limits import MemoryRateLimiter
from domain.model.ids import KeyId, UserId
from domain.model.limits import Admission, Policy
from domain.model.roles import ADMIN_ID
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from tests.support.databases import memory_storage
from tests.support.fakes import START
from tests.support.ports import NO_LIMITS, ports_over
from tests.support.service import Person, Robot, Service, refusal


class Slow:
    """What happens while it counts."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self._limiter = MemoryRateLimiter()

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await self._limiter.hit(subject, policies, cost=cost)

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        await self._limiter.refund(subject, policies, cost=cost)


@pytest.fixture(params=["read each time", "remembered"])
def service(request: pytest.FixtureRequest) -> Service:
    storage = memory_storage()
    directory = storage.directory
    if request.param == "remembered":
        directory = LeasedDirectory(directory, storage.changes, clock=storage.clock)
    rules = replace(NO_LIMITS, default_limit=Policy(1000, 60))
    return Service(ports_over(storage, directory=directory, limiter=Slow(), rules=rules))


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user()


def meanwhile(service: Service, happens: Callable[[UnitOfWork], Awaitable[object]]) -> None:
    """At the next call that is counted; the worker hears of it at once."""

    async def work() -> None:
        async with service.ports.uow() as unit:
            await happens(unit)
        if isinstance(service.ports.directory, LeasedDirectory):
            for _ in range(2):
                await service.ports.directory.follow()

    service.ports.limiter.meanwhile = work  # type: ignore[attr-defined]


def revoked(robot: Robot) -> Callable[[UnitOfWork], Awaitable[object]]:
    async def revoke(work: UnitOfWork) -> None:
        await work.keys.save((await work.keys.get(KeyId(UUID(robot.id)))).revoke(now=START))

    return revoke


async def deactivated(work: UnitOfWork, person: Person) -> None:
    await work.users.save(replace(await work.users.get(UserId(UUID(person.id))), is_active=False))


async def test_a_key_that_is_revoked_while_its_call_is_counted_does_not_get_in(service: Service, ada: Person) -> None:
    robot = await ada.key()
    meanwhile(service, revoked(robot))
    assert refusal(await robot.get("/v1/whoami")) == (401, "key_revoked")


async def test_a_person_who_is_deactivated_while_their_call_is_counted_does_not_get_in(
    service: Service, ada: Person
) -> None:
    meanwhile(service, lambda work: deactivated(work, ada))
    assert refusal(await ada.get("/v1/whoami")) == (401, "invalid_credential")


async def test_who_gains_a_role_while_their_call_is_counted_comes_in_with_it(service: Service, ada: Person) -> None:
    before = (await ada.get("/v1/whoami")).json()["permissions"]
    meanwhile(service, lambda work: work.roles.grant(ADMIN_ID, UserId(UUID(ada.id))))
    after = await ada.get("/v1/whoami")
    assert (after.status_code, len(after.json()["permissions"]) > len(before)) == (200, True)


async def test_a_key_that_is_revoked_while_it_is_verified_is_not_good(service: Service, ada: Person) -> None:
    caller, robot = await service.given_key(await service.admin(), "api_keys:verify"), await ada.key()

    async def once_the_caller_is_counted() -> None:
        meanwhile(service, revoked(robot))

    service.ports.limiter.meanwhile = once_the_caller_is_counted  # type: ignore[attr-defined]
    verdict = (await caller.post("/v1/api-keys/verify", api_key=robot.secret)).json()
    assert (verdict["valid"], verdict["code"]) == (False, "revoked")


class Slowly:
    """Units of work that end only when *meanwhile* has."""

    def __init__(self, uow: UnitOfWorkFactory, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._uow = uow
        self._meanwhile = meanwhile

    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._slow()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._uow, name)

    @asynccontextmanager
    async def _slow(self) -> AsyncIterator[UnitOfWork]:
        async with self._uow() as work:
            yield work
        await self._meanwhile()


async def test_a_cookie_that_ends_while_its_use_is_written_down_does_not_get_in(service: Service, ada: Person) -> None:
    browser = await service.browser(ada)
    assert (await browser.get("/v1/whoami")).status_code == 200
    service.advance(minutes=5)
    uow = service.ports.uow

    async def sign_out() -> None:
        async with uow() as work:
            await work.sessions.end_all(UserId(UUID(ada.id)), now=service.ports.clock.now())
        if isinstance(service.ports.directory, LeasedDirectory):
            for _ in range(2):
                await service.ports.directory.follow()

    service.services.access._session_uses._uow = Slowly(uow, sign_out)
    assert refusal(await browser.get("/v1/whoami")) == (401, "invalid_credential")
