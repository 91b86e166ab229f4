from datetime import timedelta

import pytest

from domain.model.actors import ActorKind
from domain.model.ids import KeyId, SessionId
from tests.support.databases import Storage
from tests.support.examples import HOSTILE_TEXTS, a_user, an_event
from tests.support.fakes import START, CountingIds

IDS = CountingIds()


async def test_every_member_comes_back(storage: Storage, owner) -> None:
    full = an_event(
        at=START + timedelta(microseconds=1),
        actor_kind=ActorKind.KEY,
        user_id=owner.id,
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
        assert await work.events.latest(10) == (plain, full)


async def test_the_latest_come_newest_first_by_id_and_no_more_than_asked(storage: Storage) -> None:
    events = [an_event(at=START - timedelta(days=day)) for day in range(4)]
    await storage.given(events[2], events[0], events[3], events[1])

    async with storage.uow.reading() as work:
        assert await work.events.latest(3) == (events[3], events[2], events[1])
        assert await work.events.latest(1) == (events[3],)


async def test_an_event_outlives_those_it_names(storage: Storage) -> None:
    """Nothing it names has to be there."""
    event = an_event(user_id=a_user().id, key_id=KeyId(IDS.new()), session_id=SessionId(IDS.new()))
    await storage.given(event)

    async with storage.uow.reading() as work:
        assert await work.events.latest(1) == (event,)


async def test_an_event_shares_the_fate_of_its_change(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.uow() as work:
            await work.events.add(an_event())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    async with storage.uow.reading() as work:
        assert await work.events.latest(10) == ()
