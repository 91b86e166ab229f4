from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, SessionNotFound, UserNotFound
from domain.model.actors import Origin
from domain.model.sessions import RefreshToken, Session, SessionKind, Spending
from tests.support.databases import Storage
from tests.support.examples import HOSTILE_TEXTS, a_refresh_token, a_session, a_user
from tests.support.fakes import START

ORIGIN = Origin(address="2001:db8::1", user_agent=HOSTILE_TEXTS[0])


def spent(token: RefreshToken, successor: bytes = b"\x00\xff") -> RefreshToken:
    at = START + timedelta(microseconds=7)
    return token.spend(Spending(origin=ORIGIN, successor_digest=successor, sealed_successor=b"\x00sealed", at=at))


@pytest.fixture
async def session(storage: Storage, owner) -> Session:
    session = a_session(owner)
    await storage.given(session)
    return session


async def test_get_finds_what_add_was_given(storage: Storage, owner) -> None:
    plain = a_session(owner)
    full = a_session(
        owner,
        kind=SessionKind.COOKIE,
        last_seen_at=START + timedelta(microseconds=1),
        ended_at=START + timedelta(microseconds=2),
        address="192.0.2.1",
        user_agent=HOSTILE_TEXTS[1],
    )
    await storage.given(plain, full)

    async with storage.uow.reading() as work:
        assert await work.sessions.get(plain.id) == plain
        assert await work.sessions.get(full.id) == full


async def test_add_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.sessions.add(a_session(a_user()))


async def test_get_refuses_an_unknown_session(storage: Storage, owner) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(SessionNotFound):
            await work.sessions.get(a_session(owner).id)


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage, session) -> None:
    change = replace(
        session,
        last_seen_at=START + timedelta(seconds=1),
        idle_ends_at=START + timedelta(seconds=2),
        ended_at=START + timedelta(seconds=4),
        address=ORIGIN.address,
        user_agent=ORIGIN.user_agent,
    )

    async with storage.uow() as work:
        saved = await work.sessions.save(change)

    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == saved


async def test_save_refuses_a_session_that_is_not_there(storage: Storage, owner) -> None:
    with pytest.raises(SessionNotFound):
        async with storage.uow() as work:
            await work.sessions.save(a_session(owner))


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage, session) -> None:
    async with storage.uow() as work:
        await work.sessions.save(session.end(now=START))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.sessions.save(session.end(now=START))


async def test_a_digest_finds_its_refresh_token(storage: Storage, session) -> None:
    fresh = a_refresh_token(session, digest=bytes(range(32)), created_at=START + timedelta(microseconds=1))
    used = spent(a_refresh_token(session))
    await storage.given(fresh, used)

    async with storage.uow.reading() as work:
        assert await work.sessions.find_refresh_token(fresh.digest) == fresh
        assert await work.sessions.find_refresh_token(used.digest) == used
        assert await work.sessions.find_refresh_token(fresh.digest[:-1]) is None


async def test_add_refresh_token_refuses_an_unknown_session(storage: Storage, owner) -> None:
    with pytest.raises(SessionNotFound):
        async with storage.uow() as work:
            await work.sessions.add_refresh_token(a_refresh_token(a_session(owner)))


async def test_a_digest_is_never_given_twice(storage: Storage, session) -> None:
    token = a_refresh_token(session)
    await storage.given(spent(token))

    with pytest.raises(Exception, match=r"."):
        async with storage.uow() as work:
            await work.sessions.add_refresh_token(token)

    async with storage.uow.reading() as work:
        assert await work.sessions.find_refresh_token(token.digest) == spent(token)


async def test_a_refresh_token_is_spent_once(storage: Storage, session) -> None:
    token, bystander = a_refresh_token(session), a_refresh_token(session)
    await storage.given(token, bystander)

    async with storage.uow() as work:
        assert await work.sessions.spend_refresh_token(spent(token)) is True
        assert await work.sessions.spend_refresh_token(spent(token, b"late")) is False
    async with storage.uow() as work:
        assert await work.sessions.spend_refresh_token(spent(token, b"later")) is False

    async with storage.uow.reading() as work:
        assert await work.sessions.find_refresh_token(token.digest) == spent(token)
        assert await work.sessions.find_refresh_token(bystander.digest) == bystander


async def test_a_refresh_token_that_is_not_there_is_not_spent(storage: Storage, session) -> None:
    token = a_refresh_token(session)

    async with storage.uow() as work:
        assert await work.sessions.spend_refresh_token(spent(token)) is False

    async with storage.uow.reading() as work:
        assert await work.sessions.find_refresh_token(token.digest) is None


async def test_a_token_that_cannot_be_spent_leaves_the_rest_of_the_work_as_it_is(storage: Storage, session) -> None:
    async with storage.uow() as work:
        await work.sessions.spend_refresh_token(spent(a_refresh_token(session)))
        ended = await work.sessions.save(session.end(now=START))

    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == ended
