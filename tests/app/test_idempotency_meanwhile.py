"""`Idempotency-Key`, and what happens between the claim, the effect and the answer: on every storage, step by step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
import pytest

from domain.errors import Unavailable
from tests.support.databases import NAMES, Databases
from tests.support.ports import ports_over
from tests.support.service import Person, Service, refusal
from tests.support.units import CLAIM, EFFECT, LAST_WORD, Meanwhile, Units

KEY: dict[str, Any] = {"name": "robot", "scopes": ["read"]}
"""Nothing but its ``Idempotency-Key`` keeps a second one away."""


@pytest.fixture(params=NAMES)
async def service(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Service]:
    async with databases.storage(request.param) as storage:
        yield Service(ports_over(storage, uow=Units(storage.uow)))


@pytest.fixture
def units(service: Service) -> Units:
    assert isinstance(service.ports.uow, Units)
    return service.ports.uow


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


async def make(ada: Person, path: str = "/v1/api-keys", **body: Any) -> httpx.Response:
    return await ada.saying(idempotency_key="k").post(path, **(body or KEY))


async def count(ada: Person) -> int:
    total: int = (await ada.get("/v1/api-keys")).json()["total"]
    return total


async def is_made_once(ada: Person, answer: httpx.Response) -> None:
    assert answer.status_code == 201, answer.text
    again = await make(ada)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    assert await count(ada) == 1


def failing(error: Exception) -> Meanwhile:
    async def fail() -> None:
        raise error

    return fail


async def gone() -> None:
    """The worker is ended, or nobody waits for it any more."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def lost(work: Awaitable[object]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(work)


async def test_who_asks_before_the_effect_is_told_that_it_is_being_done(units: Units, ada: Person) -> None:
    seen: list[httpx.Response] = []

    async def ask() -> None:
        seen.extend([await make(ada), await make(ada, name="other", scopes=["read"])])

    units.before(EFFECT, ask)
    await is_made_once(ada, await make(ada))
    assert list(map(refusal, seen)) == [(409, "idempotency_in_progress"), (422, "idempotency_key_reused")]


async def test_who_asks_after_the_effect_is_told_the_answer_before_the_first_is(units: Units, ada: Person) -> None:
    seen: list[httpx.Response] = []

    async def ask() -> None:
        seen.append(await make(ada))

    units.after(EFFECT, ask)
    first = await make(ada)
    assert [answer.content for answer in seen] == [first.content]
    await is_made_once(ada, first)


async def test_who_takes_longer_than_the_claim_has_lost_it(service: Service, units: Units, ada: Person) -> None:
    seen: list[httpx.Response] = []

    async def overtake() -> None:
        service.advance(seconds=60, microseconds=-1)
        assert refusal(await make(ada)) == (409, "idempotency_in_progress")
        service.advance(microseconds=1)
        seen.append(await make(ada))

    units.before(EFFECT, overtake)
    assert refusal(await make(ada)) == (409, "idempotency_in_progress")
    await is_made_once(ada, seen[0])
    assert [event.action for event in await service.events()].count("api_key.created") == 1


async def test_who_has_lost_the_claim_to_somebody_who_is_not_done_has_no_effect_either(
    service: Service, units: Units, ada: Person
) -> None:
    async def overtake() -> None:
        service.advance(seconds=60)
        units.before(EFFECT, gone)
        await lost(make(ada))

    units.before(EFFECT, overtake)
    assert refusal(await make(ada)) == (409, "idempotency_in_progress")
    assert await count(ada) == 0
    service.advance(seconds=60)
    await is_made_once(ada, await make(ada))


@pytest.mark.parametrize("error", [Unavailable(), LookupError()], ids=["503", "500"])
async def test_who_failed_before_the_effect_may_ask_again_at_once(units: Units, ada: Person, error: Exception) -> None:
    units.before(EFFECT, failing(error))
    assert (await make(ada)).status_code == (503 if isinstance(error, Unavailable) else 500)
    assert await count(ada) == 0
    other = await make(ada, name="other", scopes=["read"])
    assert (other.status_code, await count(ada)) == (201, 1)


@pytest.mark.parametrize("error", [Unavailable(), LookupError()], ids=["503", "500"])
async def test_who_failed_after_the_effect_is_told_of_it_when_asking_again(
    units: Units, ada: Person, error: Exception
) -> None:
    units.after(EFFECT, failing(error))
    assert (await make(ada)).status_code in (500, 503)
    await is_made_once(ada, await make(ada))


async def test_where_a_claim_cannot_be_given_back_it_runs_out(service: Service, units: Units, ada: Person) -> None:
    units.before(EFFECT, failing(Unavailable()))
    units.before(LAST_WORD, failing(Unavailable()))
    assert (await make(ada)).status_code == 503
    assert refusal(await make(ada)) == (409, "idempotency_in_progress")
    service.advance(seconds=60)
    await is_made_once(ada, await make(ada))


async def test_a_claim_that_cannot_be_made_does_nothing(units: Units, ada: Person) -> None:
    units.before(CLAIM, failing(Unavailable()))
    assert refusal(await make(ada)) == (503, "unavailable")
    await is_made_once(ada, await make(ada))


async def test_who_is_gone_before_the_effect_leaves_the_claim_to_run_out(
    service: Service, units: Units, ada: Person
) -> None:
    units.before(EFFECT, gone)
    await lost(make(ada))
    assert refusal(await make(ada)) == (409, "idempotency_in_progress")
    service.advance(seconds=60)
    assert refusal(await make(ada, name="other", scopes=["read"])) == (422, "idempotency_key_reused")
    await is_made_once(ada, await make(ada))


async def test_who_is_gone_after_the_effect_leaves_the_answer(units: Units, ada: Person) -> None:
    units.after(EFFECT, gone)
    await lost(make(ada))
    await is_made_once(ada, await make(ada))


async def test_a_refusal_of_who_has_lost_the_claim_is_told_to_nobody(
    service: Service, units: Units, ada: Person
) -> None:
    await ada.project("Warehouse")
    seen: list[httpx.Response] = []

    async def overtake() -> None:
        service.advance(seconds=60)
        seen.append(await make(ada, "/v1/projects", name="Warehouse"))

    units.before(LAST_WORD, overtake)
    answers = [await make(ada, "/v1/projects", name="Warehouse") for _ in range(2)]
    assert refusal(answers[0]) == (409, "idempotency_in_progress")
    assert refusal(seen[0]) == (409, "project_name_taken")
    assert answers[1].content == seen[0].content


async def test_a_receipt_is_told_to_nobody_before_it_is_known(service: Service, units: Units, ada: Person) -> None:
    """What a rotation says of its end is by the clock after the commit."""
    path, seen = f"/v1/api-keys/{(await ada.key()).id}/rotate", []

    async def commit_slowly() -> None:
        service.advance(seconds=1)
        seen.append(await make(ada, path, grace="1h"))

    units.after(EFFECT, commit_slowly)
    first = await make(ada, path, grace="1h")
    assert refusal(seen[0]) == (409, "idempotency_in_progress")
    again = await make(ada, path, grace="1h")
    assert (first.status_code, again.content) == (200, first.content)
    receipt = (service.ports.clock.now() + service.ports.rules.max_staleness).isoformat(timespec="milliseconds")
    assert first.json()["effective_at"].startswith(receipt.partition("+")[0])


async def test_a_receipt_of_who_is_gone_is_told_when_it_has_come_true(
    service: Service, units: Units, ada: Person
) -> None:
    robot = await ada.key()
    path = f"/v1/api-keys/{robot.id}/rotate"
    units.after(EFFECT, gone)
    await lost(make(ada, path, grace="1h"))
    assert refusal(await make(ada, path, grace="1h")) == (409, "idempotency_in_progress")
    service.advance(seconds=5)
    answers = [await make(ada, path, grace="1h") for _ in range(2)]
    assert answers[0].content == answers[1].content
    told = answers[0].json()
    assert told["effective_at"] < service.ports.clock.now().isoformat()
    assert [version["version"] for version in told["key"]["versions"]] == [1, 2]
    rotated = robot.saying(authorization=f"Bearer {told['api_key']}")
    assert (await rotated.get("/v1/projects")).status_code == 200
