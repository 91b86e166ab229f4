import pytest

from domain.errors import RoleNotFound, UserNotFound
from domain.model.ids import RoleId
from domain.model.roles import ADMIN, ADMIN_ID, BUILT_IN, MEMBER, MEMBER_ID
from tests.support.databases import Storage
from tests.support.examples import a_user
from tests.support.fakes import CountingIds

UNKNOWN = RoleId(CountingIds().new())


async def test_the_built_in_roles_are_there_from_the_start(storage: Storage) -> None:
    async with storage.uow.reading() as work:
        for role in BUILT_IN:
            assert await work.roles.get(role.id) == role


async def test_get_refuses_an_unknown_role(storage: Storage) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(RoleNotFound):
            await work.roles.get(UNKNOWN)


async def test_a_users_roles_are_listed_by_name(storage: Storage, owner) -> None:
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
        await work.roles.grant(ADMIN_ID, owner.id)

    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == (ADMIN, MEMBER)


async def test_nobody_has_the_roles_of_somebody_else(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other)
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, other.id)

    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == ()
        assert await work.roles.list_by_user(a_user().id) == ()


async def test_a_grant_is_the_same_when_it_is_said_again(storage: Storage, owner) -> None:
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
        await work.roles.grant(MEMBER_ID, owner.id)
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)


async def test_grant_refuses_an_unknown_role(storage: Storage, owner) -> None:
    with pytest.raises(RoleNotFound):
        async with storage.uow() as work:
            await work.roles.grant(UNKNOWN, owner.id)


async def test_grant_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.roles.grant(MEMBER_ID, a_user().id)


async def test_of_two_reasons_grant_tells_the_role(storage: Storage) -> None:
    with pytest.raises(RoleNotFound):
        async with storage.uow() as work:
            await work.roles.grant(UNKNOWN, a_user().id)


async def test_only_an_active_user_counts_as_a_member(storage: Storage) -> None:
    idle, active = a_user(is_active=False), a_user()
    await storage.given(idle, active)

    async with storage.uow() as work:
        assert not await work.roles.has_active_member(ADMIN_ID)
        await work.roles.grant(ADMIN_ID, idle.id)
        await work.roles.grant(MEMBER_ID, active.id)
        assert not await work.roles.has_active_member(ADMIN_ID)
        assert not await work.roles.has_active_member(UNKNOWN)
        await work.roles.grant(ADMIN_ID, active.id)

    async with storage.uow.reading() as work:
        assert await work.roles.has_active_member(ADMIN_ID)
