import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import DeliveryNotFound, EditConflict
from domain.model.queries import Page, Query, Sort
from domain.model.webhooks import ATTEMPTS_MAX, Delivery, DeliveryStatus

from ..support.databases import Storage
from ..support.examples import a_delivery
from ..support.fakes import START

INSTANT = timedelta(microseconds=1)
OLDEST_FIRST = Query(limit=200, sorting=(Sort("created_at"),))


async def listed(storage: Storage, source: str = "shop", query: Query = OLDEST_FIRST) -> tuple[Delivery, ...]:
    async with storage.uow.reading() as work:
        page = await work.webhooks.list_by_source(source, query)
    assert page.total >= len(page.items)
    return page.items


async def added(storage: Storage, delivery: Delivery, payload: str = "{}") -> bool:
    async with storage.uow() as work:
        return await work.webhooks.add(delivery, payload)


async def claimed(storage: Storage, *, after: timedelta = timedelta(0)) -> Delivery | None:
    async with storage.uow() as work:
        return await work.webhooks.claim(now=START + after)


async def test_what_was_added_is_listed_and_its_payload_told(storage: Storage) -> None:
    whole = a_delivery(
        digest=bytes(31) + b"\x01",
        event="order.paid 👩",
        size=1_048_576,
        status=DeliveryStatus.FAILED,
        attempts=15,
        due_at=None,
        handled_at=START + INSTANT,
        last_error="ValueError",
    )
    plain = a_delivery(created_at=START + INSTANT)
    payload = '{"text": "\\u0000 \U0010ffff"}' * 1000
    assert await added(storage, whole, payload) is True
    assert await added(storage, plain) is True
    assert await listed(storage) == (whole, plain)
    async with storage.uow.reading() as work:
        assert await work.webhooks.payload(whole.id) == payload


async def test_payload_refuses_an_unknown_delivery(storage: Storage) -> None:
    with pytest.raises(DeliveryNotFound):
        async with storage.uow.reading() as work:
            await work.webhooks.payload(a_delivery().id)


async def test_a_delivery_id_is_taken_once_of_each_source(storage: Storage) -> None:
    first = a_delivery(delivery_id="msg_1")
    assert await added(storage, first) is True
    assert await added(storage, a_delivery(delivery_id="msg_1"), '{"other": 1}') is False
    assert await added(storage, a_delivery(source="bank", delivery_id="msg_1")) is True
    assert await added(storage, a_delivery(delivery_id="MSG_1")) is True
    async with storage.uow.reading() as work:
        assert await work.webhooks.payload(first.id) == "{}"


async def test_a_digest_is_taken_once_of_each_source_and_none_is_like_no_other(storage: Storage) -> None:
    digest = b"d" * 32
    assert await added(storage, a_delivery(digest=digest)) is True
    assert await added(storage, a_delivery(digest=digest)) is False
    assert await added(storage, a_delivery(digest=digest, source="bank")) is True
    assert [await added(storage, a_delivery(digest=None)) for _ in range(2)] == [True, True]


async def test_one_that_was_not_new_leaves_the_unit_of_work_whole(storage: Storage) -> None:
    other = a_delivery()
    await storage.given(a_delivery(delivery_id="msg_1"))
    async with storage.uow() as work:
        assert await work.webhooks.add(a_delivery(delivery_id="msg_1"), "{}") is False
        assert await work.webhooks.add(other, "{}") is True
    assert other in await listed(storage)


async def test_of_many_who_add_the_same_one_is_told_that_it_is_new(storage: Storage) -> None:
    for number in range(20):
        same = [a_delivery(delivery_id=f"msg_{number}", digest=number.to_bytes(32, "big")) for _ in range(4)]
        news = await asyncio.gather(*(added(storage, delivery) for delivery in same))
        assert sorted(news) == [False, False, False, True]


async def test_one_whose_adding_was_undone_is_new(storage: Storage) -> None:
    delivery = a_delivery()

    async def fail() -> None:
        async with storage.uow() as work:
            await work.webhooks.add(delivery, "{}")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await added(storage, delivery) is True


async def test_the_longest_due_is_claimed_first_and_what_is_over_never(storage: Storage) -> None:
    late, early = a_delivery(due_at=START), a_delivery(due_at=START - INSTANT)
    await storage.given(late, early, a_delivery(due_at=None), a_delivery(due_at=START + INSTANT))

    async with storage.uow() as work:
        assert await work.webhooks.claim(now=START) == replace(early.attempted(now=START), version=2)
        assert await work.webhooks.claim(now=START) == replace(late.attempted(now=START), version=2)
        assert await work.webhooks.claim(now=START) is None


async def test_of_many_who_claim_each_is_given_another(storage: Storage) -> None:
    for _ in range(20):
        await storage.given(a_delivery(), a_delivery())
        given = [one for one in await asyncio.gather(*(claimed(storage) for _ in range(4))) if one is not None]
        assert len({one.id for one in given}) == len(given)
        assert len(given) == 2 or await claimed(storage) is not None
        while await claimed(storage) is not None:
            pass


async def test_each_attempt_waits_longer_than_the_one_before(storage: Storage) -> None:
    await storage.given(a_delivery())
    after, pauses = timedelta(0), []
    for _ in range(ATTEMPTS_MAX):
        delivery = await claimed(storage, after=after)
        assert delivery is not None
        assert delivery.due_at is not None
        pauses.append((delivery.due_at - START - after).total_seconds())
        after = delivery.due_at - START
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, *[3600] * 6]
    assert delivery.attempts == ATTEMPTS_MAX
    assert delivery.not_handled("ValueError").status is DeliveryStatus.FAILED


async def test_save_keeps_what_became_of_it(storage: Storage) -> None:
    delivery = a_delivery(last_error="ValueError")
    await storage.given(delivery)
    async with storage.uow() as work:
        saved = await work.webhooks.save(delivery.handled(now=START + INSTANT))
    assert saved == replace(delivery.handled(now=START + INSTANT), version=2)
    assert await listed(storage) == (saved,)


async def test_save_refuses_one_that_somebody_else_has_changed(storage: Storage) -> None:
    delivery = a_delivery()
    await storage.given(delivery)
    await claimed(storage)
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.webhooks.save(delivery.handled(now=START))


async def test_save_refuses_an_unknown_one(storage: Storage) -> None:
    with pytest.raises(DeliveryNotFound):
        async with storage.uow() as work:
            await work.webhooks.save(a_delivery().unhandled())


async def test_a_list_is_of_one_source_sorted_and_paged(storage: Storage) -> None:
    first, second = a_delivery(event="b"), a_delivery(event=None, created_at=START + INSTANT)
    await storage.given(first, second, a_delivery(source="bank"))
    assert await listed(storage, query=Query()) == (second, first)
    assert await listed(storage, query=Query(sorting=(Sort("event"),))) == (second, first)
    assert await listed(storage, "nobody") == ()
    async with storage.uow.reading() as work:
        assert await work.webhooks.list_by_source("shop", Query(limit=1, offset=1)) == Page((first,), 2)


async def test_prune_takes_the_oldest_whatever_became_of_them(storage: Storage) -> None:
    old = [a_delivery(created_at=START - INSTANT * age, due_at=due) for age, due in ((2, None), (1, START), (3, None))]
    young = a_delivery(delivery_id="msg_young")
    await storage.given(*old, young)
    async with storage.uow() as work:
        assert await work.webhooks.prune(START, 2) == 2
        assert await work.webhooks.prune(START - INSTANT, 2) == 0
    assert await listed(storage) == (old[1], young)
    async with storage.uow() as work:
        assert await work.webhooks.prune(START, 2) == 1
    with pytest.raises(DeliveryNotFound):
        async with storage.uow.reading() as work:
            await work.webhooks.payload(old[0].id)
    assert await added(storage, a_delivery(delivery_id=old[0].delivery_id)) is True
