"""There is always an admin who can sign in, whoever takes it from whom at the same time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from app.composition import Services, assemble
from domain.errors import EditConflict, LastAdmin
from domain.model.actors import Actor, ActorKind, system
from domain.model.ids import UserId
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.roles import ADMIN_ID
from domain.model.users import User
from tests.support.databases import Storage
from tests.support.examples import a_user
from tests.support.fakes import CountingIds
from tests.support.ports import ports_over
from tests.support.promises import repositories

Taking = Callable[[Services, Actor, UserId], Awaitable[object]]

TAKING: dict[str, Taking] = {
    "deactivate": lambda services, actor, user_id: services.users.deactivate(actor, user_id),
    "switch off": lambda services, actor, user_id: services.users.update(actor, user_id, is_active=False),
    "demote": lambda services, actor, user_id: services.memberships.revoke(actor, ADMIN_ID, user_id),
}
OPERATOR = system(CORE_PERMISSIONS)
PAIRS = [("deactivate", "deactivate"), ("demote", "demote"), ("demote", "deactivate"), ("switch off", "demote")]


@pytest.fixture
def services(storage: Storage) -> Services:
    return assemble(ports_over(storage))


def acting(user: User) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=CORE_PERMISSIONS, user_id=user.id)


async def an_admin(storage: Storage, **members: Any) -> User:
    user = a_user(**members)
    async with storage.uow() as work:
        await work.users.add(user)
        await work.roles.grant(ADMIN_ID, user.id)
    return user


async def admins_left(storage: Storage) -> int:
    async with storage.uow.reading() as work:
        return await work.roles.count_active_members(ADMIN_ID)


@pytest.mark.parametrize("ways", PAIRS, ids=" and ".join)
async def test_of_two_who_take_it_from_each_other_one_stays(
    storage: Storage, services: Services, ways: tuple[str, str]
) -> None:
    ada, bob = await an_admin(storage), await an_admin(storage)
    for _ in range(20):
        seen = await asyncio.gather(
            TAKING[ways[0]](services, acting(ada), bob.id),
            TAKING[ways[1]](services, acting(bob), ada.id),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in seen if isinstance(answer, Exception)) == ["LastAdmin"]
        assert await admins_left(storage) == 1
        for user in (ada, bob):
            await services.users.update(acting(user), user.id, is_active=True)
            await services.memberships.grant(acting(user), ADMIN_ID, user.id)


async def test_of_ten_who_leave_at_once_one_stays(storage: Storage, services: Services) -> None:
    crowd = [await an_admin(storage) for _ in range(10)]
    seen = await asyncio.gather(
        *(services.users.deactivate(acting(user), user.id) for user in crowd), return_exceptions=True
    )
    assert [type(answer) for answer in seen if isinstance(answer, Exception)] == [LastAdmin]
    assert await admins_left(storage) == 1


class Hesitating:
    """Units of work that think it over once they have called *method* so many *times*, while others go on.

    Where there is one writer at a time, nobody does.
    """

    def __init__(self, storage: Storage, method: str, times: int) -> None:
        self._uow = storage.uow
        self._noun, _, self._method = method.partition(".")
        self._left = times
        self.reading = storage.uow.reading
        self.thinks = asyncio.Event()
        self.go_on = asyncio.Event()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        async with self._uow() as work:
            nouns = {name: getattr(work, name) for name in repositories()}
            yield SimpleNamespace(**{**nouns, self._noun: _Repository(nouns[self._noun], self)})

    async def called(self, method: str) -> None:
        self._left -= method == self._method
        if not self._left and not self.thinks.is_set():
            self.thinks.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.go_on.wait(), 0.2)


class _Repository:
    def __init__(self, inner: object, told: Hesitating) -> None:
        self._inner = inner
        self._told = told

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            answer = await getattr(self._inner, name)(*arguments, **named)
            await self._told.called(name)
            return answer

        return call


async def test_who_is_activated_while_it_is_taken_from_them_may_be_the_last(
    storage: Storage, services: Services
) -> None:
    bob, ada = await an_admin(storage), await an_admin(storage, is_active=False)

    async def activate() -> None:
        await services.users.update(OPERATOR, ada.id, is_active=True)

    slow = Hesitating(storage, "users.get", 1)
    await overtaken(storage, services, slow, lambda slowly: TAKING["demote"](slowly, OPERATOR, ada.id), activate, bob)


async def test_who_is_made_one_while_they_are_deactivated_may_be_the_last(storage: Storage, services: Services) -> None:
    bob, ada = await an_admin(storage), a_user()
    await storage.given(ada)

    async def promote() -> None:
        await services.memberships.grant(OPERATOR, ADMIN_ID, ada.id)

    slow = Hesitating(storage, "roles.list_by_user", 2)
    taking = TAKING["switch off"]
    await overtaken(storage, services, slow, lambda slowly: taking(slowly, OPERATOR, ada.id), promote, bob)


async def overtaken(
    storage: Storage,
    services: Services,
    slow: Hesitating,
    taking: Callable[[Services], Awaitable[object]],
    change: Callable[[], Awaitable[None]],
    bob: User,
) -> None:
    """While *taking* thinks, *change* makes another admin, and then Bob stops being one; one of the two stays."""

    async def meanwhile() -> None:
        await slow.thinks.wait()
        await change()
        await services.users.deactivate(OPERATOR, bob.id)
        slow.go_on.set()

    slowly = assemble(ports_over(storage, uow=slow, ids=CountingIds(1000)))
    seen = await asyncio.gather(taking(slowly), meanwhile(), return_exceptions=True)
    assert {type(answer) for answer in seen if isinstance(answer, Exception)} <= {LastAdmin, EditConflict}
    assert await admins_left(storage) == 1
