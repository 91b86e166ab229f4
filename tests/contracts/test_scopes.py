import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, QuotaReached, ScopeNotFound
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.scopes import Scope

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_key, a_scope
from ..support.fakes import START

LATER = START + timedelta(microseconds=1)


@pytest.fixture
async def scope(storage: Storage) -> Scope:
    scope = a_scope(name="ops", permissions=frozenset({"tasks:read", "projects:read"}))
    await storage.given(scope)
    return scope


async def test_find_knows_what_add_was_given(storage: Storage) -> None:
    full = a_scope(
        name="a-b_9", permissions=frozenset({"x:y", "é:z"}), description=HOSTILE_TEXTS[0], updated_at=LATER, version=3
    )
    empty = a_scope(permissions=frozenset())
    await storage.given(full, empty)

    async with storage.uow.reading() as work:
        assert await work.scopes.find("a-b_9") == full
        assert await work.scopes.find(empty.name) == empty
        assert await work.scopes.find("A-B_9") is None


async def test_a_list_is_by_name_and_so_is_what_is_asked_for_by_names(storage: Storage) -> None:
    last, first, middle = a_scope(name="z"), a_scope(name="a"), a_scope(name="a-b")
    await storage.given(last, first, middle)

    async with storage.uow() as work:
        assert await work.scopes.list() == (first, middle, last)
        assert await work.scopes.list_by_names(["z", "read", "a", "a", "never"]) == (first, last)
        assert await work.scopes.list_by_names([]) == ()


async def test_add_refuses_a_name_that_is_defined(storage: Storage, scope) -> None:
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.scopes.add(a_scope(name="ops"), at_most=10)

    async with storage.uow.reading() as work:
        assert await work.scopes.list() == (scope,)


async def test_add_refuses_what_is_over_the_quota(storage: Storage, scope) -> None:
    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.scopes.add(a_scope(), at_most=1)


async def test_save_keeps_the_meaning_and_counts_the_version(storage: Storage, scope) -> None:
    changed = replace(scope, permissions=frozenset({"a:b"}), description="d", updated_at=LATER)

    async with storage.uow() as work:
        assert await work.scopes.save(changed) == replace(changed, version=2)

    async with storage.uow.reading() as work:
        assert await work.scopes.find("ops") == replace(changed, version=2)


async def test_save_refuses_a_scope_that_is_not_there(storage: Storage) -> None:
    with pytest.raises(ScopeNotFound):
        async with storage.uow() as work:
            await work.scopes.save(a_scope())


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage, scope) -> None:
    async with storage.uow() as work:
        await work.scopes.save(scope)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.scopes.save(scope)


async def test_a_deleted_scope_is_taken_from_the_keys_that_hold_it(storage: Storage, owner, scope) -> None:
    holder, other = a_key(owner, scopes=frozenset({"read", "ops"})), a_key(owner, scopes=frozenset({"read", "night"}))
    only = a_key(owner, scopes=frozenset({"ops"}), revoked_at=START)
    await storage.given(holder, other, only)

    async with storage.uow() as work:
        await work.scopes.delete(scope)

    async with storage.uow.reading() as work:
        assert await work.scopes.find("ops") is None
        assert await work.keys.get(holder.id) == replace(holder, scopes=frozenset({"read"}), version=2)
        assert await work.keys.get(only.id) == replace(only, scopes=frozenset(), version=2)
        assert await work.keys.get(other.id) == other
        assert not await work.scopes.has_key("ops")


async def test_delete_refuses_a_scope_that_is_not_there(storage: Storage) -> None:
    with pytest.raises(ScopeNotFound):
        async with storage.uow() as work:
            await work.scopes.delete(a_scope())


async def test_delete_refuses_a_value_read_before_somebody_elses_save(storage: Storage, scope) -> None:
    async with storage.uow() as work:
        await work.scopes.save(scope)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.scopes.delete(scope)


async def test_a_key_holds_what_it_was_made_with_until_it_is_changed_or_gone(storage: Storage, owner, scope) -> None:
    first, second = a_key(owner, scopes=frozenset({"ops", "read"})), a_key(owner, scopes=frozenset({"read"}))
    await storage.given(first, second)

    async def held(name: str) -> bool:
        async with storage.uow.reading() as work:
            return await work.scopes.has_key(name)

    assert (await held("ops"), await held("night")) == (True, False)
    async with storage.uow() as work:
        first = await work.keys.save(replace(first, scopes=frozenset({"night", "read"})))
        second = await work.keys.save(replace(second, scopes=frozenset({"night", "ops"})))
    assert (await held("ops"), await held("night")) == (True, True)
    async with storage.uow() as work:
        await work.keys.delete(second)
    assert (await held("ops"), await held("night")) == (False, True)


async def test_a_key_may_do_what_its_scopes_are_defined_to_be(storage: Storage, owner, scope) -> None:
    await storage.given(a_scope(name="night", permissions=frozenset({"tasks:create", "users:read", "gone:forever"})))
    key = a_key(owner, scopes=frozenset({"ops", "night", "projects:update"}))
    plain = a_key(owner, scopes=frozenset({"projects:update"}))
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
    await storage.given(key, plain)

    async def allowed(of) -> frozenset[str]:
        grant = await storage.directory.find_key(of.id)
        assert grant.key == of
        return grant.permissions

    assert await allowed(key) == {"projects:read", "projects:update", "tasks:read", "tasks:create"}
    assert await allowed(plain) == {"projects:update"}
    async with storage.uow() as work:
        await work.roles.grant(ADMIN_ID, owner.id)
        await work.scopes.save(replace(scope, permissions=frozenset({"audit:read"})))
    assert await allowed(key) == {"audit:read", "projects:update", "tasks:create", "users:read"}


async def test_what_is_built_in_is_not_defined_anew(storage: Storage, owner) -> None:
    await storage.given(a_scope(name="read", permissions=frozenset({"tasks:delete"})))
    key = a_key(owner, scopes=frozenset({"read"}))
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
    await storage.given(key)

    assert (await storage.directory.find_key(key.id)).permissions == {"projects:read", "tasks:read"}


async def test_no_key_is_left_with_a_scope_that_goes_while_the_key_is_made(storage: Storage, owner, scope) -> None:
    key = a_key(owner, scopes=frozenset({"ops"}))

    async def make() -> bool:
        async with storage.uow() as work:
            if not await work.scopes.list_by_names(key.scopes):
                return False
            await asyncio.sleep(0.01)
            await work.keys.add(key, live_at_most=10, now=START)
            return True

    async def delete() -> None:
        async with storage.uow() as work:
            await work.scopes.delete(scope)

    made, _ = await asyncio.gather(make(), delete())

    async with storage.uow.reading() as work:
        assert not await work.scopes.has_key("ops")
        if made:
            assert (await work.keys.get(key.id)).scopes == frozenset()
