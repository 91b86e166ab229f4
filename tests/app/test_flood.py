"""More sign-ins at once than there are threads to hash: the rest hears so, soon, and nothing piles up."""

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest

from adapters.security.passwords import Argon2Passwords, Cost
from domain.model.actors import NOWHERE
from domain.model.passwords import Password
from tests.support.fakes import ReversingPasswordHasher
from tests.support.ports import ROOTS, memory_ports
from tests.support.service import PASSWORD, Service

FLOOD = 20


class Counting(Argon2Passwords):
    """Notices how many hash at the same time: each has memory of its own."""

    at_once = 0
    at_most = 0

    def _digest(self, *args: object) -> bytes:
        with _counting:
            self.at_once += 1
            self.at_most = max(self.at_most, self.at_once)
        try:
            return super()._digest(*args)  # type: ignore[arg-type]  # whatever it is called with
        finally:
            with _counting:
                self.at_once -= 1


_counting = threading.Lock()


@pytest.fixture
def passwords() -> Iterator[Counting]:
    hasher = Counting(ROOTS, cost=Cost(memory_kib=4096, passes=2), threads=1, queue=2)
    yield hasher
    hasher.close()


@pytest.fixture
async def crowded(passwords: Counting) -> Service:
    """Ten people and one thread that hashes, before which two may wait."""
    service = Service(memory_ports(passwords=passwords))
    for number in range(FLOOD // 2):
        await service.user(f"person{number}@example.org")
    return service


async def all_at_once(service: Service) -> list[httpx.Response]:
    """Each of them with the right password, and once with a wrong one."""
    return await asyncio.gather(
        *(
            service.anyone.token(grant_type="password", username=f"person{number}@example.org", password=password)
            for number in range(FLOOD // 2)
            for password in (PASSWORD, "another horse battery staple")
        )
    )


async def test_a_flood_is_judged_or_told_when_to_come_back(crowded: Service) -> None:
    answers = await all_at_once(crowded)
    assert {answer.status_code for answer in answers} <= {200, 400, 503}
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 503} == {"2"}


async def test_in_a_flood_no_more_hash_than_there_are_threads(crowded: Service, passwords: Counting) -> None:
    await all_at_once(crowded)
    assert passwords.at_most == 1


async def test_after_a_flood_everybody_gets_in(crowded: Service) -> None:
    """Who was not judged has not failed."""
    for _ in range(6):
        await all_at_once(crowded)
    for number in range(FLOOD // 2):
        await crowded.sign_in(f"person{number}@example.org")


class Thoughtful(ReversingPasswordHasher):
    """Judges nobody before it is told to."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        await self.goes_on.wait()
        return await super().verify(password_hash, password)


async def test_beyond_those_who_may_wait_nobody_comes_near_the_store() -> None:
    passwords = Thoughtful()
    service = Service(memory_ports(passwords=passwords))
    names = [f"person{number}" for number in range(64)]
    asking = [asyncio.create_task(service.anyone.token(**asked(name))) for name in names]
    await asyncio.sleep(0.1)

    late = await service.anyone.token(**asked("one-more"))
    assert (late.status_code, late.headers["retry-after"]) == (503, "2")

    passwords.goes_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {400}
    assert (await service.anyone.token(**asked("one-more"))).status_code == 400
    assert [event.action for event in await service.events()] == ["user.sign_in_refused"] * 65


def asked(name: str) -> dict[str, str]:
    return {"grant_type": "password", "username": name, "password": PASSWORD}


async def test_who_goes_away_while_they_are_judged_has_not_failed() -> None:
    passwords = Thoughtful()
    service = Service(memory_ports(passwords=passwords))
    await service.services.registration.register(NOWHERE, email="ada@example.org", password=PASSWORD)
    for _ in range(12):
        asking = asyncio.create_task(service.anyone.token(**asked("ada@example.org")))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    passwords.goes_on.set()
    assert (await service.anyone.token(**asked("ada@example.org"))).status_code == 200
