from datetime import timedelta

import pytest

from domain.model.actors import ActorKind
from domain.model.ids import KeyId, SessionId

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_user, an_event
from ..support.fakes import START, CountingIds

IDS = CountingIds()


async def test_every_member_comes_back(storage: Storage, owner) -> None:
    full = an_event(
        at=START + timedelta(microseconds=1),
        actor_kind=ActorKind.KEY,
        user_id=owner.id,
        real_user_id=a_user().id,
        session_id=SessionId(IDS.new()),
        key_id=KeyId(IDS.new()),
        address="2001:db8::1",
        request_id=HOSTILE_TEXTS[1],
        changes={text: [text, None, 1, True, {"a": -1.5}] for text in HOSTILE_TEXTS},
    )
    plain = an_event()
    async with storage.uow() as work:
        await work.events.add(full)
        await work.events.add(plain)

    async with storage.uow.reading() as work:
        assert await work.events.list(10) == (plain, full)


async def test_the_latest_come_newest_first_by_id_and_no_more_than_asked(storage: Storage) -> None:
    events = [an_event(at=START - timedelta(days=day)) for day in range(4)]
    await storage.given(events[2], events[0], events[3], events[1])

    async with storage.uow.reading() as work:
        assert await work.events.list(3) == (events[3], events[2], events[1])
        assert await work.events.list(1) == (events[3],)


async def test_a_list_goes_on_where_it_ended(storage: Storage) -> None:
    events = [an_event() for _ in range(5)]
    await storage.given(*events)

    async with storage.uow.reading() as work:
        assert await work.events.list(2, before=events[3].id) == (events[2], events[1])
        assert await work.events.list(2, before=events[1].id) == (events[0],)
        assert await work.events.list(2, before=events[0].id) == ()
        assert await work.events.list(9, before=an_event().id) == tuple(events[::-1])


async def test_what_a_user_did_is_found_and_what_somebody_did_in_their_name(storage: Storage, owner) -> None:
    other = a_user()
    own, as_owner = an_event(user_id=owner.id), an_event(user_id=owner.id, real_user_id=other.id)
    as_other, nobodys = an_event(user_id=other.id, real_user_id=owner.id), an_event(subject=f"user:{owner.id}")
    await storage.given(own, as_owner, as_other, nobodys)

    async with storage.uow.reading() as work:
        assert await work.events.list(10, user_id=owner.id) == (as_owner, own)
        assert await work.events.list(10, user_id=owner.id, before=as_owner.id) == (own,)
        assert await work.events.list(10, user_id=other.id) == (as_other,)
        assert await work.events.list(10, user_id=a_user().id) == ()


async def test_what_was_done_to_a_subject_is_found(storage: Storage, owner) -> None:
    first, second = an_event(subject="project:1", user_id=owner.id), an_event(subject="project:1")
    near = [an_event(subject=subject, user_id=owner.id) for subject in ("project:10", "PROJECT:1", "project:1 ")]
    await storage.given(first, *near, second)

    async with storage.uow.reading() as work:
        assert await work.events.list(10, subject="project:1") == (second, first)
        assert await work.events.list(1, subject="project:1") == (second,)
        assert await work.events.list(10, subject="project:1", before=second.id) == (first,)
        assert await work.events.list(10, subject="project:1", user_id=owner.id) == (first,)
        assert await work.events.list(10, subject="project:%") == ()


async def test_an_event_outlives_those_it_names(storage: Storage) -> None:
    """Nothing it names has to be there."""
    event = an_event(user_id=a_user().id, key_id=KeyId(IDS.new()), session_id=SessionId(IDS.new()))
    await storage.given(event)

    async with storage.uow.reading() as work:
        assert await work.events.list(1) == (event,)


async def test_an_event_shares_the_fate_of_its_change(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.uow() as work:
            await work.events.add(an_event())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    async with storage.uow.reading() as work:
        assert await work.events.list(10) == ()
