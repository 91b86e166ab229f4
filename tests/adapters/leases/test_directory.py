"""One rule of the cache at a time, by the steps of its source."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.model.ids import KeyId
from domain.model.leases import LeaseTerms
from tests.support.worlds import ABOUT_OTHERS, KEY, TERMS, Steps, Worker, World, reading, refusal_of

TRUST = TERMS.trust


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def worker(world: World) -> Worker:
    return Worker(world)


async def test_a_lease_lasts_four_fifths_of_the_promise_from_the_start_of_a_look(world: World, worker: Worker) -> None:
    worker.finish(worker.read())
    look = Steps(worker.look())
    look.step()
    world.time += 0.3
    for _ in look:
        pass
    world.time += TRUST - 0.3 - 0.001
    assert worker.knows
    world.time += 0.001
    assert not worker.knows


async def test_without_a_lease_a_read_is_trusted_as_long_from_its_own_start(world: World, worker: Worker) -> None:
    world.time += 10
    worker.finish(worker.read())
    world.time += TRUST - 0.001
    assert worker.knows
    world.time += 0.001
    assert not worker.knows


async def test_a_source_that_is_no_primary_gives_no_lease(world: World, worker: Worker) -> None:
    worker.finish(worker.read())
    world.is_primary = False
    world.time += 0.3
    worker.finish(worker.look())
    world.time += 0.125
    assert not worker.knows


async def test_a_look_that_takes_longer_than_the_trust_gives_none(world: World, worker: Worker) -> None:
    worker.finish(worker.read())
    look = Steps(worker.look())
    look.step()
    world.time += TRUST
    for _ in look:
        pass
    assert not worker.knows


async def test_nothing_is_remembered_for_longer_than_a_minute(world: World, worker: Worker) -> None:
    worker.finish(worker.read())
    for _ in range(479):
        world.time += 0.125
        worker.finish(worker.look())
        assert worker.knows
    world.time += 0.125
    assert not worker.knows


async def test_a_read_that_comes_too_late_is_refused_and_what_it_kept_is_good_by_the_lease(
    world: World, worker: Worker
) -> None:
    read = reading(worker)
    read.step()
    world.time += TRUST
    assert "in time" in refusal_of(read)
    assert not worker.knows
    worker.finish(worker.look())
    assert worker.knows


async def test_a_key_that_ends_while_it_is_read_is_not_accepted_though_it_was_good_when_looked_at(
    world: World, worker: Worker
) -> None:
    world.end_key(after=0.1)
    read = reading(worker)
    read.step()
    read.step()
    world.time += 0.125
    assert "in time" in refusal_of(read)
    worker.finish(worker.look())
    assert not worker.knows


async def test_a_source_that_lags_is_refused(world: World, worker: Worker) -> None:
    world.append(ABOUT_OTHERS)
    worker.finish(worker.look())
    world.lag = 1
    assert "lags behind" in refusal_of(reading(worker))
    assert not worker.knows


async def test_what_was_read_of_another_history_is_not_there_when_it_is_followed(world: World, worker: Worker) -> None:
    read = reading(worker)
    read.step()
    world.start = "tuesday"
    worker.finish(worker.look())
    for _ in read:
        pass
    worker.finish(worker.look())
    assert not worker.knows


async def test_a_change_of_somebody_else_takes_nothing_away(world: World, worker: Worker) -> None:
    worker.finish(worker.read())
    world.append(ABOUT_OTHERS)
    worker.finish(worker.look())
    assert worker.knows


@pytest.mark.parametrize(("rows", "kept"), [(4, True), (5, False)])
async def test_so_many_changes_at_once_are_followed_and_with_one_more_it_begins_anew(
    world: World, worker: Worker, rows: int, kept: bool
) -> None:
    worker.finish(worker.read())
    world.append(*[f"{ABOUT_OTHERS}{number}" for number in range(rows)])
    worker.finish(worker.look())
    assert worker.knows == kept


async def test_what_was_heard_of_does_not_grow_for_ever(world: World, worker: Worker) -> None:
    for number in range(20):
        world.append(f"{ABOUT_OTHERS}{number}")
        worker.finish(worker.look(), worker.read())
        assert len(worker.directory._book.changed) <= TERMS.rows


async def test_it_remembers_so_many_and_forgets_the_oldest(world: World) -> None:
    worker = Worker(world, terms=LeaseTerms(entries=2))
    ids = [KeyId(UUID(int=number)) for number in range(3)]
    worker.finish(*map(worker.directory.find_key, ids))
    assert [worker.directory.hit(each) is not None for each in ids] == [False, True, True]


async def test_it_says_how_old_its_lease_is_and_how_far_apart_it_looked(world: World, worker: Worker) -> None:
    world.time += 0.3
    assert worker.directory.age == pytest.approx(0.3)
    worker.finish(worker.look())
    assert (worker.directory.age, worker.directory.lag) == pytest.approx((0.0, 0.3))
    world.is_primary = False
    world.time += 0.2
    worker.finish(worker.look())
    assert worker.directory.age == pytest.approx(0.2)


async def test_it_says_how_often_it_read_and_what_it_forgot_for_others(world: World) -> None:
    worker = Worker(world, terms=replace(TERMS, entries=1))
    worker.finish(worker.read(), worker.read())
    assert (worker.directory.misses, worker.directory.size, worker.directory.evictions) == (1, 1, 0)
    worker.directory._book.entries[1] = worker.directory._book.entries.pop(KEY.id.int)
    worker.finish(worker.read())
    assert (worker.directory.misses, worker.directory.size, worker.directory.evictions) == (2, 1, 1)
