"""Many who ask for the same wait for one read, and none of them for longer than it is good."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.leases import LeasedDirectory
from adapters.leases.book import boot_time
from domain.errors import Unavailable
from domain.model.access import KeyGrant
from domain.model.ids import KeyId
from domain.model.leases import LeaseTerms
from tests.support.worlds import KEY, TERMS, Steps, Worker, World, is_accepted, reading, refusal_of


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def worker(world: World) -> Worker:
    return Worker(world)


class Counted(World):
    """How often it was read; *gone* says that it knows nobody."""

    reads = 0
    gone = False

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        self.reads += 1
        grant = await super().find_key(key_id)
        return None if self.gone else grant


async def test_those_who_ask_for_the_same_wait_for_one_read() -> None:
    world = Counted()
    worker = Worker(world)
    reads = [Steps(worker.read()) for _ in range(5)]
    play(reads)
    assert (world.reads, worker.knows) == (1, True)


async def test_nobody_who_is_unknown_is_remembered() -> None:
    world = Counted()
    worker, world.gone = Worker(world), True
    play([Steps(worker.read()) for _ in range(2)])
    assert world.reads == 1
    world.gone = False
    play([Steps(worker.read())])
    assert (world.reads, worker.knows) == (2, True)


async def test_who_waits_for_a_read_that_was_given_up_reads() -> None:
    world = Counted()
    worker = Worker(world)
    first, second, third = (Steps(worker.read()) for _ in range(3))
    for steps in (first, second, third):
        steps.step()
    first.drop()
    play([second, third])
    assert (world.reads, worker.knows) == (2, True)


async def test_who_waits_is_refused_with_who_reads_and_not_one_after_another(world: World, worker: Worker) -> None:
    reads = [reading(worker) for _ in range(3)]
    for read in reads:
        read.step()
    world.time += TERMS.trust
    refusals = [refusal_of(read) for read in reads]
    assert all("in time" in refusal for refusal in refusals)


async def test_no_more_wait_for_one_read_than_may_and_who_gives_up_makes_room(world: World) -> None:
    worker = Worker(world, terms=LeaseTerms(waiting=2))
    first, *waiting = (reading(worker) for _ in range(3))
    for steps in (first, *waiting):
        steps.step()
    assert "too many" in refusal_of(reading(worker))
    waiting[0].drop()
    late = reading(worker)
    play([late, first, *waiting[1:]])
    assert worker.knows


async def test_a_key_and_a_session_of_one_id_are_not_one_read(world: World, worker: Worker) -> None:
    session = Steps(worker.directory.find_session(KEY.id))  # type: ignore[arg-type]
    session.step()
    worker.finish(worker.read())
    play([session])
    assert is_accepted(worker.directory.hit(KEY.id))


def play(processes: list[Steps]) -> None:
    """All at once, a step each."""
    while not all(steps.is_over for steps in processes):
        for steps in processes:
            steps.step()


class Stuck(World):
    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        await asyncio.Event().wait()
        return None

    async def read(self, since: int | None, limit: int) -> Any:
        await asyncio.Event().wait()


async def test_who_does_not_answer_is_not_waited_for_longer_than_the_trust() -> None:
    world = Stuck()
    terms = LeaseTerms(promise=timedelta(milliseconds=50))
    directory = LeasedDirectory(world, world, clock=world, terms=terms)
    for work in (directory.follow(), directory.find_key(KEY.id)):
        before = boot_time()
        with pytest.raises(Unavailable, match="in time"):
            await work
        assert 0.03 < boot_time() - before < 0.3
