"""What came in has one effect, whoever handles it, however often somebody dies or fails: on every storage."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.composition import Services, assemble
from domain.errors import EmailTaken
from domain.model.actors import system
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.queries import Query, Sort
from domain.model.users import EmailAddress
from domain.model.webhooks import ATTEMPTS_MAX, KEPT, Delivery, DeliveryStatus, Signed
from domain.ports.unit_of_work import UnitOfWork
from domain.ports.webhooks import WebhookHandlers
from domain.services.housekeeping import Housekeeping
from tests.support.databases import Storage
from tests.support.examples import a_user
from tests.support.ports import ports_over

OPERATOR = system(CORE_PERMISSIONS)
ROUNDS = 100
CANARY = "canary-7f3a"


class Registering:
    """Makes a user of what came in; *fails* so many times after that, by *error*."""

    def __init__(self, *, fails: int = 0, error: BaseException | None = None) -> None:
        self.fails, self.error = fails, error or ValueError(CANARY)
        self.calls = 0

    async def handle(self, work: UnitOfWork, delivery: Delivery, payload: str) -> None:
        self.calls += 1
        await work.users.add(a_user(email=EmailAddress(payload)))
        await asyncio.sleep(0)
        if self.calls <= self.fails:
            raise self.error


def assembled(storage: Storage, handlers: WebhookHandlers) -> Services:
    return assemble(replace(ports_over(storage), webhook_handlers=handlers))


async def received(services: Services, payload: str = "a@example.org", *, named: str = "1") -> bool:
    return await services.webhooks.receive("shop", Signed(named, "paid"), payload)


async def deliveries(services: Services) -> tuple[Delivery, ...]:
    query = Query(limit=200, sorting=(Sort("created_at"),))
    return (await services.webhooks.list(OPERATOR, "shop", query)).items


async def made(storage: Storage, payload: str = "a@example.org") -> bool:
    async with storage.uow.reading() as work:
        return await work.users.find_by_email(EmailAddress(payload)) is not None


async def test_it_is_marked_with_its_effect(storage: Storage) -> None:
    handler = Registering()
    services = assembled(storage, {("shop", "paid"): handler})
    assert await received(services) is True
    assert [one.status for one in await deliveries(services)] == [DeliveryStatus.PENDING]
    assert (await services.webhooks.deliver(), await services.webhooks.deliver()) == (True, False)
    [delivery] = await deliveries(services)
    assert (delivery.status, delivery.handled_at, delivery.attempts) == ("handled", storage.clock.now(), 1)
    assert await made(storage)
    assert handler.calls == 1


async def test_the_handler_of_an_event_comes_before_that_of_all(storage: Storage) -> None:
    own, general = Registering(), Registering()
    services = assembled(storage, {("shop", "paid"): own, ("shop", None): general, ("bank", None): general})
    await received(services)
    await services.webhooks.receive("shop", Signed("2", "sent"), "b@example.org")
    await services.webhooks.receive("shop", Signed("3", None), "c@example.org")
    while await services.webhooks.deliver():
        pass
    assert (own.calls, general.calls) == (1, 2)


async def test_what_nobody_reacts_to_is_kept_and_not_looked_at_again(storage: Storage) -> None:
    services = assembled(storage, {("shop", "sent"): Registering()})
    await received(services)
    assert await services.webhooks.deliver() is False
    assert [one.status for one in await deliveries(services)] == [DeliveryStatus.UNHANDLED]


async def test_what_nobody_reacts_to_any_more_is_unhandled(storage: Storage) -> None:
    await received(assembled(storage, {("shop", None): Registering()}))
    after = assembled(storage, {("bank", None): Registering()})
    assert await after.webhooks.deliver() is True
    assert [one.status for one in await deliveries(after)] == [DeliveryStatus.UNHANDLED]


async def test_one_who_fails_leaves_nothing_and_is_called_again(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    services = assembled(storage, {("shop", None): Registering(fails=2)})
    await received(services)
    for seconds in (0, 10, 20):
        storage.clock.advance(timedelta(seconds=seconds))
        assert not await made(storage)
        assert await services.webhooks.deliver() is True
        assert await services.webhooks.deliver() is False
    [delivery] = await deliveries(services)
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("handled", 3, None)
    assert await made(storage)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "ValueError" in caplog.text
    assert CANARY not in caplog.text
    assert "a@example.org" not in caplog.text


async def test_one_who_always_fails_is_given_up(storage: Storage) -> None:
    handler = Registering(fails=10**6)
    services = assembled(storage, {("shop", None): handler})
    await received(services)
    for _ in range(ATTEMPTS_MAX + 3):
        await services.webhooks.deliver()
        storage.clock.advance(timedelta(hours=1))
    [delivery] = await deliveries(services)
    assert (delivery.status, delivery.last_error, delivery.due_at) == ("failed", "ValueError", None)
    assert handler.calls == ATTEMPTS_MAX
    assert not await made(storage)


async def test_a_worker_that_dies_in_the_middle_leaves_it_to_another(storage: Storage) -> None:
    dying = assembled(storage, {("shop", None): Registering(fails=1, error=asyncio.CancelledError())})
    await received(dying)
    with pytest.raises(asyncio.CancelledError):
        await dying.webhooks.deliver()
    assert not await made(storage)
    other = assembled(storage, {("shop", None): Registering()})
    assert await other.webhooks.deliver() is False
    storage.clock.advance(timedelta(seconds=10))
    assert await other.webhooks.deliver() is True
    assert await made(storage)
    assert [one.status for one in await deliveries(other)] == [DeliveryStatus.HANDLED]


async def test_what_every_worker_dies_of_is_given_up(storage: Storage) -> None:
    handler = Registering(fails=10**6, error=asyncio.CancelledError())
    services = assembled(storage, {("shop", None): handler})
    await received(services)
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(asyncio.CancelledError):
            await services.webhooks.deliver()
        storage.clock.advance(timedelta(hours=1))
    assert await services.webhooks.deliver() is True
    [delivery] = await deliveries(services)
    assert (delivery.status, delivery.last_error, handler.calls) == ("failed", "Interrupted", ATTEMPTS_MAX)


async def test_a_refusal_that_the_handler_swallows_undoes_all_of_it(storage: Storage) -> None:
    class Swallowing:
        async def handle(self, work: UnitOfWork, delivery: Delivery, payload: str) -> None:
            await work.users.add(a_user(email=EmailAddress("b@example.org")))
            with pytest.raises(EmailTaken):
                await work.users.add(a_user(email=EmailAddress("b@example.org")))

    services = assembled(storage, {("shop", None): Swallowing()})
    await received(services)
    await services.webhooks.deliver()
    assert [one.last_error for one in await deliveries(services)] == ["RuntimeError"]
    assert not await made(storage, "b@example.org")


async def test_one_that_is_slower_than_its_retry_has_no_second_effect(storage: Storage) -> None:
    """Another has claimed and handled it since: who comes back late undoes what they did."""

    late = Registering()
    fast = assembled(storage, {("shop", None): Registering()})
    await received(fast)
    async with storage.uow() as work:
        claimed = await work.webhooks.claim(now=storage.clock.now())
    assert claimed is not None
    storage.clock.advance(timedelta(seconds=10))
    assert await fast.webhooks.deliver() is True
    await fast.webhooks._attempt(late, claimed)
    assert late.calls == 0
    [delivery] = await deliveries(fast)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.HANDLED, None)


async def test_two_services_over_one_database_have_one_effect_a_hundred_times(storage: Storage) -> None:
    """The second insertion of one address would fail, and would show as an attempt too many."""
    handlers = Registering(), Registering()
    services = [assembled(storage, {("shop", None): handler}) for handler in handlers]
    for number in range(ROUNDS):
        address = f"a{number}@example.org"
        news = await asyncio.gather(*(received(each, address, named=f"{number}") for each in services))
        assert sorted(news) == [False, True]
        done = await asyncio.gather(*(each.webhooks.deliver() for each in services))
        assert True in done
        assert await made(storage, address)
    every = await deliveries(services[0])
    assert [(one.status, one.attempts) for one in every] == [(DeliveryStatus.HANDLED, 1)] * ROUNDS
    assert sum(handler.calls for handler in handlers) == ROUNDS


async def test_a_month_later_it_is_swept_out(storage: Storage) -> None:
    services = assembled(storage, {})
    housekeeping = Housekeeping(uow=storage.uow, changes=storage.changes, clock=storage.clock)
    await received(services)
    storage.clock.advance(KEPT)
    await housekeeping.sweep()
    assert await received(services) is False
    storage.clock.advance(timedelta(microseconds=1))
    await housekeeping.sweep()
    assert await received(services) is True
