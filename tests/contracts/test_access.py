from dataclasses import replace
from datetime import timedelta

import pytest

from domain.model.access import KeyGrant, SessionGrant
from domain.model.permissions import MEMBER_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.scopes import Catalogue
from domain.model.sessions import Session, SessionKind

from ..support.databases import Storage
from ..support.examples import a_key, a_role, a_secret, a_session, a_user
from ..support.fakes import START

EVERY = Catalogue().permissions
READ = Catalogue().permissions_of(["read"])
SECOND = timedelta(seconds=1)


@pytest.fixture
async def member(storage: Storage, owner):
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
    return owner


async def test_nothing_is_known_of_what_is_not_there(storage: Storage, owner) -> None:
    assert await storage.directory.find_key(a_key(owner).id) is None
    assert await storage.directory.find_session(a_session(owner).id) is None


async def test_a_key_may_do_what_its_scopes_name(storage: Storage, member) -> None:
    key = a_key(member, scopes=frozenset({"read", "api_keys:read"}))
    await storage.given(key)

    grant = await storage.directory.find_key(key.id)
    assert grant == KeyGrant(
        key=key,
        owner_is_active=True,
        permissions=READ | {"api_keys:read"},
        subjects=(f"key:{key.id}", f"user:{member.id}", f"role:{MEMBER_ID}"),
    )


async def test_a_key_never_exceeds_its_owner(storage: Storage, owner, member) -> None:
    key = a_key(member, scopes=EVERY)
    await storage.given(key)
    assert (await storage.directory.find_key(key.id)).permissions == MEMBER_PERMISSIONS

    async with storage.uow() as work:
        await work.roles.grant(ADMIN_ID, member.id)
    assert (await storage.directory.find_key(key.id)).permissions == EVERY


async def test_the_key_of_somebody_without_a_role_may_do_nothing(storage: Storage, owner) -> None:
    key = a_key(owner)
    await storage.given(key)

    assert (await storage.directory.find_key(key.id)).permissions == frozenset()


async def test_a_scope_that_no_longer_exists_allows_nothing(storage: Storage, member) -> None:
    key = a_key(member, scopes=frozenset({"gone:forever", "read"}))
    await storage.given(key)

    assert (await storage.directory.find_key(key.id)).permissions == READ


async def test_a_retired_secret_is_not_there_and_every_other_is(storage: Storage, member) -> None:
    lasting, ending, ended = a_secret(1), a_secret(2, retires_at=START + SECOND), a_secret(3, retires_at=START)
    key = a_key(member, secrets=(lasting, ending, ended))
    await storage.given(key)

    assert (await storage.directory.find_key(key.id)).key.secrets == (lasting, ending)
    storage.clock.advance(SECOND)
    assert (await storage.directory.find_key(key.id)).key.secrets == (lasting,)


async def test_a_key_whose_secrets_are_all_retired_is_still_known(storage: Storage, member) -> None:
    key = a_key(member, secrets=(a_secret(retires_at=START),))
    await storage.given(key)

    assert (await storage.directory.find_key(key.id)).key == replace(key, secrets=())


@pytest.mark.parametrize("state", ["revoked_at", "suspended_at", "expires_at"])
async def test_a_key_that_is_not_good_is_known_as_what_it_is(storage: Storage, member, state: str) -> None:
    key = replace(a_key(member), **{state: START + SECOND})
    await storage.given(key)
    storage.clock.advance(10 * SECOND)

    assert (await storage.directory.find_key(key.id)).key == key


async def test_a_session_may_do_what_its_user_may(storage: Storage, member) -> None:
    session = a_session(member)
    await storage.given(session)

    grant = await storage.directory.find_session(session.id)
    assert grant == SessionGrant(
        session=session,
        user_is_active=True,
        password_change_required=False,
        permissions=MEMBER_PERMISSIONS,
        subjects=(f"session:{session.id}", f"user:{member.id}", f"role:{MEMBER_ID}"),
    )


async def test_a_session_may_do_what_all_roles_of_its_user_allow(storage: Storage, member) -> None:
    reader, idle = a_role(permissions={"users:read", "gone:forever"}), a_role(permissions=EVERY, is_active=False)
    session = a_session(member)
    await storage.given(reader, idle, session)
    async with storage.uow() as work:
        await work.roles.grant(reader.id, member.id)
        await work.roles.grant(idle.id, member.id)

    assert (await storage.directory.find_session(session.id)).permissions == MEMBER_PERMISSIONS | {"users:read"}


async def test_the_session_of_somebody_without_a_role_may_do_nothing(storage: Storage, owner) -> None:
    session = a_session(owner)
    await storage.given(session)

    assert (await storage.directory.find_session(session.id)).permissions == frozenset()


async def test_a_password_that_somebody_else_set_is_told(storage: Storage) -> None:
    user = a_user(password_change_required=True)
    session = a_session(user)
    await storage.given(user, session)

    assert (await storage.directory.find_session(session.id)).password_change_required


@pytest.fixture
async def acting(storage: Storage, member) -> Session:
    """A member's session in which somebody else acts, who is a supporter and an auditor."""
    real_user = a_user()
    roles = [
        a_role(permissions={"users:impersonate", "projects:read"}),
        a_role(permissions={"audit:read", "projects:update"}),
    ]
    session = a_session(member, kind=SessionKind.IMPERSONATION, real_user_id=real_user.id)
    await storage.given(real_user, session, *roles)
    async with storage.uow() as work:
        for role in roles:
            await work.roles.grant(role.id, real_user.id)
    return session


async def test_who_acts_as_somebody_may_do_what_both_may(storage: Storage, acting) -> None:
    grant = await storage.directory.find_session(acting.id)
    assert (grant.user_is_active, grant.password_change_required) == (True, False)
    assert grant.permissions == {"projects:read", "projects:update"}


async def test_a_grant_names_all_whose_change_may_change_it(storage: Storage, acting) -> None:
    async with storage.uow.reading() as work:
        roles = await work.roles.list_by_user(acting.real_user_id)
    grant = await storage.directory.find_session(acting.id)
    people, held = (acting.user_id, acting.real_user_id), sorted({MEMBER_ID, *(role.id for role in roles)})
    assert grant.subjects == (
        f"session:{acting.id}",
        *(f"user:{person}" for person in people),
        *(f"role:{role}" for role in held),
    )


@pytest.mark.parametrize("change", [{"is_active": False}, {"password_change_required": True}])
async def test_who_may_not_act_for_themselves_does_not_act_as_another(storage: Storage, acting, change) -> None:
    async with storage.uow() as work:
        real_user = await work.users.get(acting.real_user_id)
        await work.users.save(replace(real_user, **change))

    assert not (await storage.directory.find_session(acting.id)).user_is_active


async def test_nobody_acts_as_an_inactive_user(storage: Storage, acting) -> None:
    async with storage.uow() as work:
        user = await work.users.get(acting.user_id)
        await work.users.save(replace(user, is_active=False))

    assert not (await storage.directory.find_session(acting.id)).user_is_active


async def test_who_lost_the_right_to_act_as_others_acts_no_longer(storage: Storage, acting) -> None:
    async with storage.uow() as work:
        for role in await work.roles.list_by_user(acting.real_user_id):
            if "users:impersonate" in role.permissions:
                await work.roles.revoke(role.id, acting.real_user_id)

    assert not (await storage.directory.find_session(acting.id)).user_is_active


async def test_a_password_that_is_to_be_changed_stops_nobody_who_acts_as_its_user(storage: Storage, acting) -> None:
    async with storage.uow() as work:
        user = await work.users.get(acting.user_id)
        await work.users.save(replace(user, password_change_required=True))

    grant = await storage.directory.find_session(acting.id)
    assert (grant.user_is_active, grant.password_change_required) == (True, False)


async def test_a_dead_session_is_known_as_what_it_is(storage: Storage, member) -> None:
    session = a_session(member, ended_at=START, idle_ends_at=START, ends_at=START)
    await storage.given(session)

    assert (await storage.directory.find_session(session.id)).session == session


async def test_an_inactive_user_is_told(storage: Storage) -> None:
    user = a_user(is_active=False)
    key, session = a_key(user), a_session(user)
    await storage.given(user, key, session)

    assert not (await storage.directory.find_key(key.id)).owner_is_active
    assert not (await storage.directory.find_session(session.id)).user_is_active


async def test_the_directory_sees_the_last_commit_and_nothing_after_it(storage: Storage, member) -> None:
    key, session = a_key(member), a_session(member)
    await storage.given(key, session)

    async with storage.uow() as work:
        await work.keys.save(key.revoke(now=START))
        await work.sessions.save(session.end(now=START))
        assert (await storage.directory.find_key(key.id)).key.revoked_at is None
        assert (await storage.directory.find_session(session.id)).session.ended_at is None

    assert (await storage.directory.find_key(key.id)).key.revoked_at == START
    assert (await storage.directory.find_session(session.id)).session.ended_at == START


async def test_a_grant_is_never_called_current_after_a_change(storage: Storage, member) -> None:
    key, session = a_key(member), a_session(member)
    await storage.given(key, session)
    grants = (await storage.directory.find_key(key.id), await storage.directory.find_session(session.id))
    async with storage.uow() as work:
        await work.users.save(replace(member, is_active=False))
    assert not any(storage.directory.is_current(grant) for grant in grants)
