import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, RoleNameTaken, RoleNotFound, UserNotFound
from domain.model.ids import RoleId
from domain.model.queries import Page, Position, Query, Sort
from domain.model.roles import ADMIN, ADMIN_ID, BUILT_IN, MEMBER, MEMBER_ID

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_role, a_user
from ..support.fakes import START, CountingIds

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


async def test_only_active_users_are_counted_and_everybody_holds(storage: Storage) -> None:
    idle, active, more = a_user(is_active=False), a_user(), a_user()
    await storage.given(idle, active, more)

    async with storage.uow() as work:
        assert not await work.roles.has_member(ADMIN_ID)
        await work.roles.grant(ADMIN_ID, idle.id)
        await work.roles.grant(MEMBER_ID, active.id)
        assert await work.roles.has_member(ADMIN_ID)
        assert await work.roles.count_active_members(ADMIN_ID) == 0
        assert await work.roles.count_active_members(UNKNOWN) == 0
        assert not await work.roles.has_member(UNKNOWN)
        await work.roles.grant(ADMIN_ID, active.id)
        await work.roles.grant(ADMIN_ID, more.id)
        assert await work.roles.count_active_members(ADMIN_ID) == 2

    async with storage.uow.reading() as work:
        assert await work.roles.count_active_members(ADMIN_ID) == 2
        assert await work.roles.has_member(MEMBER_ID)


async def test_who_only_counts_waits_for_nobody(storage: Storage) -> None:
    async def count() -> int:
        async with storage.uow.reading() as work:
            return await work.roles.count_active_members(ADMIN_ID)

    async with asyncio.timeout(1), storage.uow() as work:
        await work.roles.count_active_members(ADMIN_ID)
        assert await asyncio.create_task(count()) == 0


async def test_get_finds_what_add_was_given(storage: Storage) -> None:
    plain = a_role()
    full = a_role(
        name=HOSTILE_TEXTS[4],
        description=HOSTILE_TEXTS[5],
        permissions=frozenset({"users:read", "gone:forever"}),
        is_active=False,
        created_at=START + timedelta(microseconds=1),
        updated_at=START + timedelta(microseconds=2),
    )
    async with storage.uow() as work:
        await work.roles.add(plain)
        await work.roles.add(full)

    async with storage.uow.reading() as work:
        assert await work.roles.get(plain.id) == plain
        assert await work.roles.get(full.id) == full


@pytest.mark.parametrize("name", ["admin", "clerk"])
async def test_add_refuses_a_name_that_is_taken(storage: Storage, name: str) -> None:
    await storage.given(a_role(name="clerk"))

    with pytest.raises(RoleNameTaken):
        async with storage.uow() as work:
            await work.roles.add(a_role(name=name))


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage) -> None:
    role = a_role(description="old", permissions=frozenset({"users:read"}))
    await storage.given(role)
    change = replace(
        role,
        name="new",
        description=None,
        permissions=frozenset({"roles:read", "users:update"}),
        is_active=False,
        updated_at=START + timedelta(seconds=1),
    )

    async with storage.uow() as work:
        saved = await work.roles.save(change)

    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.roles.get(role.id) == saved


async def test_save_frees_the_old_name(storage: Storage) -> None:
    role = a_role(name="clerk")
    await storage.given(role)

    async with storage.uow() as work:
        await work.roles.save(replace(role, name="accountant"))
        await work.roles.add(a_role(name="clerk"))


async def test_save_refuses_a_role_that_is_not_there(storage: Storage) -> None:
    with pytest.raises(RoleNotFound):
        async with storage.uow() as work:
            await work.roles.save(a_role())


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage) -> None:
    role = a_role()
    await storage.given(role)
    async with storage.uow() as work:
        await work.roles.save(replace(role, description="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.roles.save(replace(role, name="admin", description="second"))


async def test_save_refuses_a_name_that_is_taken(storage: Storage) -> None:
    role = a_role()
    await storage.given(role)

    with pytest.raises(RoleNameTaken):
        async with storage.uow() as work:
            await work.roles.save(replace(role, name="member"))


async def test_whoever_holds_a_deleted_role_holds_it_no_longer(storage: Storage, owner) -> None:
    role = a_role()
    await storage.given(role)
    async with storage.uow() as work:
        await work.roles.grant(role.id, owner.id)
        await work.roles.grant(MEMBER_ID, owner.id)

    async with storage.uow() as work:
        await work.roles.delete(role)
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)

    async with storage.uow.reading() as work:
        assert not await work.roles.has_member(role.id)
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)
        with pytest.raises(RoleNotFound):
            await work.roles.get(role.id)


async def test_delete_frees_the_name_and_brings_no_holder_back(storage: Storage, owner) -> None:
    role = a_role(name="clerk")
    await storage.given(role)
    async with storage.uow() as work:
        await work.roles.grant(role.id, owner.id)

    async with storage.uow() as work:
        await work.roles.delete(role)
        await work.roles.add(role)

    async with storage.uow.reading() as work:
        assert not await work.roles.has_member(role.id)


async def test_delete_refuses_a_role_that_is_not_there(storage: Storage) -> None:
    with pytest.raises(RoleNotFound):
        async with storage.uow() as work:
            await work.roles.delete(a_role())


async def test_delete_refuses_a_value_read_before_somebody_elses_save(storage: Storage) -> None:
    role = a_role()
    await storage.given(role)
    async with storage.uow() as work:
        await work.roles.save(role)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.roles.delete(role)


async def test_all_roles_are_listed_idle_ones_too(storage: Storage) -> None:
    idle, clerk = a_role(name="a", is_active=False), a_role(name="z")
    await storage.given(clerk, idle)

    async with storage.uow.reading() as work:
        assert await work.roles.list(Query(sorting=(Sort("name"),))) == Page((idle, ADMIN, MEMBER, clerk), 4)
        page = await work.roles.list(Query(sorting=(Sort("name"),), limit=1, offset=1))
    assert page == Page((ADMIN,), 4, Position(("admin",), ADMIN.id))


async def test_a_users_idle_roles_are_listed_too(storage: Storage, owner) -> None:
    idle = a_role(is_active=False)
    await storage.given(idle)
    async with storage.uow() as work:
        await work.roles.grant(idle.id, owner.id)

    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == (idle,)


async def test_revoke_takes_one_role_from_one_user(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other)
    async with storage.uow() as work:
        await work.roles.grant(ADMIN_ID, owner.id)
        await work.roles.grant(MEMBER_ID, owner.id)
        await work.roles.grant(ADMIN_ID, other.id)

    async with storage.uow() as work:
        await work.roles.revoke(ADMIN_ID, owner.id)

    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)
        assert await work.roles.list_by_user(other.id) == (ADMIN,)


async def test_revoke_is_the_same_when_it_is_said_again_or_was_never_granted(storage: Storage, owner) -> None:
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
        await work.roles.revoke(MEMBER_ID, owner.id)
        await work.roles.revoke(MEMBER_ID, owner.id)
        await work.roles.revoke(ADMIN_ID, owner.id)
        await work.roles.revoke(UNKNOWN, a_user().id)
        assert await work.roles.list_by_user(owner.id) == ()
