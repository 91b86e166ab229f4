from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, EmailTaken, UsernameTaken, UserNotFound
from domain.model.ids import RoleId
from domain.model.queries import Page, Position, Query, Sort
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.users import EmailAddress, Username

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_user
from ..support.fakes import START, CountingIds


async def test_get_finds_what_add_was_given(storage: Storage) -> None:
    plain = a_user(password_hash=None)
    full = a_user(
        username=Username("ada.l"),
        name="Ada",
        password_hash="$argon2id$v=19$…",
        password_change_required=True,
        is_active=False,
        email_verified_at=START + timedelta(microseconds=1),
        created_at=START + timedelta(microseconds=999_999),
        updated_at=START + timedelta(days=36_500, microseconds=123_456),
    )
    await storage.given(plain, full)

    async with storage.uow.reading() as work:
        assert await work.users.get(plain.id) == plain
        assert await work.users.get(full.id) == full


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
async def test_a_name_comes_back_code_point_by_code_point(storage: Storage, name: str) -> None:
    user = a_user(name=name)
    await storage.given(user)

    async with storage.uow.reading() as work:
        assert (await work.users.get(user.id)).name == name


async def test_get_refuses_an_unknown_user(storage: Storage) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(UserNotFound):
            await work.users.get(a_user().id)


async def test_lock_finds_what_get_finds(storage: Storage) -> None:
    user = a_user()
    await storage.given(user)

    async with storage.uow() as work:
        assert await work.users.lock(user.id) == user
        with pytest.raises(UserNotFound):
            await work.users.lock(a_user().id)


async def test_an_address_finds_its_user_and_nobody_else(storage: Storage) -> None:
    ada, other = a_user(email=EmailAddress("a_a@example.org")), a_user(email=EmailAddress("a%a@example.org"))
    await storage.given(other, ada)

    async with storage.uow.reading() as work:
        assert await work.users.find_by_email(ada.email) == ada
        assert await work.users.find_by_email(EmailAddress("A_A@example.org")) is None
        assert await work.users.find_by_email(EmailAddress("a_a@example.org ")) is None


async def test_a_user_name_finds_its_user_and_nobody_else(storage: Storage) -> None:
    ada = a_user(username=Username("ada"))
    await storage.given(a_user(), ada, a_user(username=Username("adb")))

    async with storage.uow.reading() as work:
        assert await work.users.find_by_username(Username("ada")) == ada
        assert await work.users.find_by_username(Username("ad")) is None
        assert await work.users.find_by_username(Username("ADA")) is None


async def test_add_refuses_an_address_that_is_taken(storage: Storage) -> None:
    first = a_user()
    await storage.given(first)

    with pytest.raises(EmailTaken):
        async with storage.uow() as work:
            await work.users.add(a_user(email=first.email))


async def test_add_refuses_a_user_name_that_is_taken(storage: Storage) -> None:
    await storage.given(a_user(username=Username("ada")))

    with pytest.raises(UsernameTaken):
        async with storage.uow() as work:
            await work.users.add(a_user(username=Username("ada")))


async def test_of_two_reasons_add_tells_one(storage: Storage) -> None:
    first = a_user(username=Username("ada"))
    await storage.given(first, a_user(username=Username("bob")))

    with pytest.raises((EmailTaken, UsernameTaken)):
        async with storage.uow() as work:
            await work.users.add(a_user(email=first.email, username=Username("bob")))


async def test_add_never_replaces_a_row(storage: Storage) -> None:
    first = a_user()
    await storage.given(first)

    with pytest.raises(Exception, match=r"."):
        async with storage.uow() as work:
            await work.users.add(a_user(id=first.id))

    async with storage.uow.reading() as work:
        assert await work.users.get(first.id) == first


async def test_any_number_of_users_have_no_user_name(storage: Storage) -> None:
    users = [a_user(), a_user(), a_user()]
    await storage.given(*users)

    async with storage.uow.reading() as work:
        assert [await work.users.get(user.id) for user in users] == users


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage) -> None:
    user = a_user(username=Username("ada"), name="Ada")
    await storage.given(user)
    change = replace(
        user,
        email=EmailAddress("new@example.org"),
        username=None,
        name=None,
        password_hash="y",
        password_change_required=True,
        is_active=False,
        email_verified_at=START,
        updated_at=START + timedelta(seconds=1),
    )

    async with storage.uow() as work:
        saved = await work.users.save(change)

    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.users.get(user.id) == saved
        assert await work.users.find_by_email(user.email) is None
        assert await work.users.find_by_email(change.email) == saved
        assert await work.users.find_by_username(Username("ada")) is None


async def test_save_may_follow_save(storage: Storage) -> None:
    user = a_user()
    await storage.given(user)

    async with storage.uow() as work:
        once = await work.users.save(replace(user, name="once"))
        twice = await work.users.save(replace(once, name="twice"))

    async with storage.uow.reading() as work:
        assert await work.users.get(user.id) == twice
    assert twice.version == 3


async def test_save_frees_the_old_address_and_the_old_user_name(storage: Storage) -> None:
    first = a_user(username=Username("ada"))
    await storage.given(first)

    async with storage.uow() as work:
        await work.users.save(replace(first, email=EmailAddress("new@example.org"), username=Username("lovelace")))
        await work.users.add(a_user(email=first.email, username=first.username))


async def test_save_refuses_a_user_who_is_not_there(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.users.save(a_user())


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage, owner) -> None:
    async with storage.uow() as work:
        await work.users.save(replace(owner, name="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.users.save(replace(owner, name="second"))


async def test_save_refuses_an_address_that_is_taken(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other)

    with pytest.raises(EmailTaken):
        async with storage.uow() as work:
            await work.users.save(replace(owner, email=other.email))


async def test_save_refuses_a_user_name_that_is_taken(storage: Storage, owner) -> None:
    await storage.given(a_user(username=Username("ada")))

    with pytest.raises(UsernameTaken):
        async with storage.uow() as work:
            await work.users.save(replace(owner, username=Username("ada")))


async def test_of_two_reasons_save_tells_the_version(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.users.save(replace(owner, email=other.email, version=7))


async def test_everybody_is_listed(storage: Storage) -> None:
    ada, bob, eve = a_user(name="Ada"), a_user(name="Bob", is_active=False), a_user()
    await storage.given(bob, eve, ada)
    by_name = (Sort("name"),)

    async with storage.uow.reading() as work:
        assert await work.users.list(Query(sorting=by_name)) == Page((eve, ada, bob), 3)
        page = await work.users.list(Query(sorting=by_name, limit=1, offset=1))
    assert page == Page((ada,), 3, Position(tuple(getattr(ada, sort.field) for sort in by_name), ada.id))


async def test_those_who_hold_a_role_are_listed(storage: Storage) -> None:
    ada, bob, eve = a_user(), a_user(is_active=False), a_user()
    await storage.given(ada, bob, eve)
    async with storage.uow() as work:
        for user in (ada, bob, eve):
            await work.roles.grant(MEMBER_ID, user.id)
        await work.roles.grant(ADMIN_ID, bob.id)
        await work.roles.grant(ADMIN_ID, eve.id)
    oldest = (Sort("created_at"),)

    async with storage.uow.reading() as work:
        assert await work.users.list(Query(sorting=oldest), role_id=ADMIN_ID) == Page((bob, eve), 2)
        page = await work.users.list(Query(sorting=oldest, limit=2), role_id=MEMBER_ID)
        assert page == Page((ada, bob), 3, Position((bob.created_at,), bob.id))
        assert await work.users.list(Query(), role_id=RoleId(CountingIds().new())) == Page((), 0)
