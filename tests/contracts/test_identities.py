import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import IdentityNotFound, IdentityTaken, SessionNotFound, UserNotFound
from domain.model.identities import Identity
from domain.model.users import User

from ..support.databases import Storage
from ..support.examples import (
    HOSTILE_TEXTS,
    ISSUER,
    a_provider_session,
    a_session,
    a_user,
    an_identity,
)
from ..support.fakes import START


async def listed(storage: Storage, user: User) -> tuple[Identity, ...]:
    async with storage.uow.reading() as work:
        return await work.identities.list_by_user(user.id)


async def test_an_identity_is_found_by_its_issuer_and_subject(storage: Storage, owner) -> None:
    identity, elsewhere = an_identity(owner), an_identity(owner, issuer=f"{ISSUER}/")
    await storage.given(identity, elsewhere)

    async with storage.uow.reading() as work:
        assert await work.identities.find(identity.issuer, identity.subject) == identity
        assert await work.identities.find(elsewhere.issuer, elsewhere.subject) == elsewhere
        assert await work.identities.find(elsewhere.issuer, identity.subject) is None
        assert await work.identities.find(identity.issuer, identity.subject.upper()) is None


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_what_a_provider_says_is_kept_as_it_was_said(storage: Storage, owner, text) -> None:
    identity = an_identity(owner, subject=text, given_name=text, family_name=text, email=None)
    await storage.given(identity)

    assert await listed(storage, owner) == (identity,)


async def test_a_user_has_identities_oldest_first_and_nobody_elses(storage: Storage, owner) -> None:
    other = a_user()
    second, first = an_identity(owner, created_at=START + timedelta(seconds=1)), an_identity(owner)
    same_time = an_identity(owner)
    await storage.given(other, second, first, same_time, an_identity(other))

    async with storage.uow.reading() as work:
        assert await work.identities.list_by_user(owner.id) == (first, same_time, second)


async def test_add_refuses_a_subject_that_is_somebody_already(storage: Storage, owner) -> None:
    other, identity = a_user(), an_identity(owner)
    await storage.given(other, identity)

    for user in (owner, other):
        with pytest.raises(IdentityTaken):
            async with storage.uow() as work:
                await work.identities.add(an_identity(user, subject=identity.subject))
    assert await listed(storage, other) == ()


async def test_of_two_who_link_a_subject_at_once_one_is_refused(storage: Storage, owner) -> None:
    other = a_user()
    await storage.given(other)

    async def link(user: User) -> None:
        async with storage.uow() as work:
            await work.identities.add(an_identity(user, subject="the same"))

    outcomes = await asyncio.gather(link(owner), link(other), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IdentityTaken", "NoneType"]


async def test_add_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.identities.add(an_identity(a_user()))


async def test_touch_keeps_what_was_said_last_and_nothing_else(storage: Storage, owner) -> None:
    identity = an_identity(owner)
    await storage.given(identity)
    later = replace(identity, email="new@example.org", given_name=None, family_name="L", last_used_at=START)

    async with storage.uow() as work:
        await work.identities.touch(replace(later, subject="other", provider="other"))
        await work.identities.touch(an_identity(owner))
    assert await listed(storage, owner) == (later,)


async def test_delete_removes_one_and_refuses_one_that_is_not_there(storage: Storage, owner) -> None:
    identity, other = an_identity(owner), an_identity(owner)
    await storage.given(identity, other)

    async with storage.uow() as work:
        await work.identities.delete(identity.id)
    with pytest.raises(IdentityNotFound):
        async with storage.uow() as work:
            await work.identities.delete(identity.id)
    assert await listed(storage, owner) == (other,)


async def test_attach_takes_the_place_of_what_was_attached_before(storage: Storage, owner) -> None:
    session = a_session(owner)
    await storage.given(session, a_provider_session(session, subject="ada"), a_provider_session(session, subject="a"))

    async with storage.uow.reading() as work:
        assert await work.identities.list_sessions(ISSUER, subject="ada", session=None) == ()
        assert await work.identities.list_sessions(ISSUER, subject="a", session=None) == (session.id,)


async def test_attach_refuses_an_unknown_session(storage: Storage, owner) -> None:
    with pytest.raises(SessionNotFound):
        async with storage.uow() as work:
            await work.identities.attach(a_provider_session(a_session(owner)))


async def test_sessions_are_listed_by_whom_and_by_which_sign_in(storage: Storage, owner) -> None:
    one, two, three, four, five = sessions = [a_session(owner) for _ in range(5)]
    attached = (
        a_provider_session(one, subject="ada", session="1"),
        a_provider_session(two, subject="ada", session="2"),
        a_provider_session(three, subject="bob", session="1"),
        a_provider_session(four, subject="ada", session="1", issuer=f"{ISSUER}/"),
        a_provider_session(five, subject="eva", session=None),
    )
    await storage.given(*sessions, *attached)

    async with storage.uow.reading() as work:
        assert await work.identities.list_sessions(ISSUER, subject="ada", session=None) == (one.id, two.id)
        assert await work.identities.list_sessions(ISSUER, subject=None, session="1") == (one.id, three.id)
        assert await work.identities.list_sessions(ISSUER, subject="ada", session="1") == (one.id,)
        assert await work.identities.list_sessions(ISSUER, subject="eva", session="1") == (five.id,)
        assert await work.identities.list_sessions(ISSUER, subject="eve", session="1") == ()


async def test_where_a_session_came_from_goes_with_it(storage: Storage, owner) -> None:
    session = a_session(owner, ends_at=START)
    await storage.given(session, a_provider_session(session, subject="ada"))

    async with storage.uow() as work:
        await work.sessions.prune(START + timedelta(days=1), 10)
    async with storage.uow.reading() as work:
        assert await work.identities.list_sessions(ISSUER, subject="ada", session=None) == ()
