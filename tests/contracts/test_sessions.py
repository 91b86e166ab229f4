from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, SessionNotFound, UserNotFound
from domain.model.actors import Origin
from domain.model.sessions import RefreshToken, Session, SessionKind, Spending

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_refresh_token, a_session, a_user
from ..support.fakes import START

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
    plain, real_user = a_session(owner), a_user()
    full = a_session(
        owner,
        kind=SessionKind.IMPERSONATION,
        real_user_id=real_user.id,
        digest=bytes(range(32)),
        last_seen_at=START + timedelta(microseconds=1),
        ended_at=START + timedelta(microseconds=2),
        address="192.0.2.1",
        user_agent=HOSTILE_TEXTS[1],
    )
    await storage.given(real_user, plain, full)

    async with storage.uow.reading() as work:
        assert await work.sessions.get(plain.id) == plain
        assert await work.sessions.get(full.id) == full


async def test_add_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.sessions.add(a_session(a_user()))


async def test_add_refuses_an_unknown_user_who_acts_as_a_known_one(storage: Storage, owner) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.sessions.add(a_session(owner, real_user_id=a_user().id))


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


def seen(session: Session) -> Session:
    return replace(
        session,
        last_seen_at=START + timedelta(seconds=1),
        idle_ends_at=START + timedelta(seconds=2),
        address=ORIGIN.address,
        user_agent=ORIGIN.user_agent,
    )


async def test_touch_keeps_when_and_where_it_was_seen_and_nothing_else(storage: Storage, session) -> None:
    touched = replace(seen(session), ends_at=START, kind=SessionKind.COOKIE, version=7)

    async with storage.uow() as work:
        await work.sessions.touch(touched)

    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == seen(session)


async def test_touch_refuses_nothing_where_somebody_else_has_saved_it(storage: Storage, session) -> None:
    async with storage.uow() as work:
        saved = await work.sessions.save(replace(session, user_agent="other"))

    async with storage.uow() as work:
        await work.sessions.touch(seen(session))

    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == seen(saved)


async def test_touch_leaves_who_read_it_before_the_right_to_save(storage: Storage, session) -> None:
    async with storage.uow() as work:
        await work.sessions.touch(seen(session))

    async with storage.uow() as work:
        assert (await work.sessions.save(session.end(now=START))).ended_at == START


async def test_touch_wakes_neither_what_has_ended_nor_what_is_not_there(storage: Storage, owner, session) -> None:
    missing = a_session(owner)
    async with storage.uow() as work:
        ended = await work.sessions.save(session.end(now=START))

    async with storage.uow() as work:
        await work.sessions.touch(seen(session))
        await work.sessions.touch(missing)

    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == ended
        with pytest.raises(SessionNotFound):
            await work.sessions.get(missing.id)


async def given_in_every_state(storage: Storage, owner) -> list[Session]:
    """Those that are live at `START`, oldest first; beside them dead ones, and somebody else's."""
    other, instant = a_user(), timedelta(microseconds=1)
    newest = a_session(owner, created_at=START + instant, idle_ends_at=START + instant, ends_at=START + instant)
    same, oldest = a_session(owner), a_session(owner, created_at=START - instant)
    acting = a_session(owner, kind=SessionKind.IMPERSONATION, real_user_id=other.id)
    dead = [a_session(owner, **{state: START}) for state in ("ended_at", "idle_ends_at", "ends_at")]
    await storage.given(other, newest, *dead, acting, same, a_session(other), oldest)
    return [oldest, same, acting, newest]


async def test_a_users_live_sessions_are_listed_oldest_first(storage: Storage, owner) -> None:
    live = await given_in_every_state(storage, owner)

    async with storage.uow.reading() as work:
        assert await work.sessions.list_live_by_user(owner.id, now=START) == tuple(live)
        assert await work.sessions.list_live_by_user(a_user().id, now=START) == ()


async def test_a_sessions_own_end_is_not_part_of_its_life(storage: Storage, owner) -> None:
    session = a_session(owner)
    await storage.given(session)

    async with storage.uow.reading() as work:
        for now, expected in (
            (session.idle_ends_at - timedelta(microseconds=1), (session,)),
            (session.idle_ends_at, ()),
        ):
            assert await work.sessions.list_live_by_user(owner.id, now=now) == expected


async def test_all_live_sessions_of_a_user_end_at_once(storage: Storage, owner) -> None:
    live = await given_in_every_state(storage, owner)

    async with storage.uow() as work:
        assert await work.sessions.end_all(owner.id, now=START) == len(live)
        assert await work.sessions.end_all(owner.id, now=START) == 0

    async with storage.uow.reading() as work:
        for session in live:
            assert await work.sessions.get(session.id) == replace(session, ended_at=START, version=2)


async def test_one_session_may_outlive_the_others(storage: Storage, owner) -> None:
    first, *others = await given_in_every_state(storage, owner)

    async with storage.uow() as work:
        assert await work.sessions.end_all(owner.id, now=START, but=first.id) == len(others)

    async with storage.uow.reading() as work:
        assert await work.sessions.list_live_by_user(owner.id, now=START) == (first,)


async def test_to_end_all_leaves_the_dead_and_those_of_others_as_they_are(storage: Storage, owner) -> None:
    other = a_user()
    idle, theirs = a_session(owner, idle_ends_at=START), a_session(other)
    ended = a_session(owner, ended_at=START - timedelta(days=1))
    await storage.given(other, idle, ended, theirs)

    async with storage.uow() as work:
        assert await work.sessions.end_all(owner.id, now=START, but=theirs.id) == 0

    async with storage.uow.reading() as work:
        for session in (idle, ended, theirs):
            assert await work.sessions.get(session.id) == session


async def test_who_read_a_session_before_all_were_ended_does_not_save_it(storage: Storage, owner, session) -> None:
    async with storage.uow() as work:
        await work.sessions.end_all(owner.id, now=START)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.sessions.save(seen(session))


async def test_prune_takes_the_sessions_that_are_long_over_and_their_tokens(storage: Storage, owner) -> None:
    moment = timedelta(microseconds=1)
    old, older, fresh = (a_session(owner, ends_at=START + place * moment) for place in (1, 0, 2))
    token = a_refresh_token(old)
    await storage.given(old, older, fresh, token)

    async with storage.uow() as work:
        assert await work.sessions.prune(START + 2 * moment, 1) == 1
    async with storage.uow.reading() as work:
        assert await work.sessions.get(old.id) == old
    async with storage.uow() as work:
        assert await work.sessions.prune(START + 2 * moment, 5) == 1

    async with storage.uow.reading() as work:
        assert await work.sessions.get(fresh.id) == fresh
        assert await work.sessions.find_refresh_token(token.digest) is None
        for gone in (old, older):
            with pytest.raises(SessionNotFound):
                await work.sessions.get(gone.id)


async def test_end_all_ends_what_they_do_in_somebody_elses_name(storage: Storage, owner) -> None:
    somebody, third = a_user(), a_user()
    acting = a_session(somebody, kind=SessionKind.IMPERSONATION, real_user_id=owner.id)
    of_another = a_session(owner, kind=SessionKind.IMPERSONATION, real_user_id=third.id)
    await storage.given(somebody, third, acting, of_another)

    async with storage.uow() as work:
        assert await work.sessions.end_all(owner.id, now=START, but=of_another.id) == 1
    async with storage.uow.reading() as work:
        assert (await work.sessions.get(acting.id)).ended_at == START
        assert (await work.sessions.get(of_another.id)).ended_at is None
