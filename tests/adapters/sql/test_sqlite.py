"""What only SQLite can show: the budget of a read, the shared commit, and other processes at the same file."""

import asyncio
import os
import resource
import sqlite3
import stat
import sys
import time
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import Duplicate, Statement
from domain.errors import Unavailable
from tests.adapters.sql.tables import ADD_NOTE, ADD_PERSON, GET_PERSON, people
from tests.adapters.sql.test_statements import add, count, fetch, person

other = people.alias()
SCAN = Statement(select(func.count(people.c.id)).where(people.c.age + other.c.age > 0))
WRITER = """
import asyncio, sys
from pathlib import Path
from adapters.sql.sqlite import SqliteDatabase
from tests.adapters.sql.tables import ADD_PERSON
from tests.adapters.sql.test_statements import person

async def write(database):
    one = person()
    async with database.writing() as unit:
        await unit.execute(ADD_PERSON, **one)
    print(one["id"], flush=True)

async def main(path, rounds, width):
    database = SqliteDatabase(Path(path))
    for _ in range(int(rounds)):
        await asyncio.gather(*(write(database) for _ in range(int(width))))
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def another_process(path, *, rounds, width):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = (sys.executable, "-c", WRITER, str(path), str(rounds), str(width))
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)


async def longest_pause(during):
    """How long the loop stood still at most, and how long *during* took, in seconds."""
    task, longest, start = asyncio.ensure_future(during), 0.0, time.perf_counter()
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - before)
    await task
    return longest, time.perf_counter() - start


@contextmanager
def no_room(path):
    """Files of this process cannot grow past what they are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def crowd(database, size):
    async with database.writing() as unit:
        await unit.execute_many(ADD_PERSON, [person(age=1) for _ in range(size)])


async def test_an_indexed_read_does_not_leave_the_loop(sqlite) -> None:
    await crowd(sqlite, 100)
    ada = person()
    await add(sqlite, ada)
    await count(sqlite)  # opens the connection
    left = []
    asyncio.get_running_loop().call_soon(left.append, True)
    for _ in range(5_000):
        assert await fetch(sqlite, GET_PERSON, id=ada["id"]) == [(ada["email"], ada["age"])]
    assert not left


async def test_a_scan_does_not_stop_the_loop(sqlite) -> None:
    await crowd(sqlite, 1_500)
    await count(sqlite)
    pauses = [await longest_pause(fetch(sqlite, SCAN)) for _ in range(3)]  # the machine has others to serve as well
    assert min(longest / took for longest, took in pauses) < 1 / 4
    assert await fetch(sqlite, SCAN) == [(1_500 * 1_500,)]


async def test_a_scan_without_end_is_given_up(path) -> None:
    database = SqliteDatabase(path, patience=0.1)
    await crowd(database, 1_500)
    with pytest.raises(Unavailable):
        await asyncio.gather(*(fetch(database, SCAN) for _ in range(8)))
    assert await count(database) == 1_500
    await database.close()


async def test_units_of_work_that_wait_together_share_a_commit(sqlite, path) -> None:
    async def written_by(work):
        before = wal.stat().st_size
        await work
        return wal.stat().st_size - before

    async def one_by_one():
        for _ in range(40):
            await add(sqlite, person())

    wal = path.with_name("hexkey.db-wal")
    await add(sqlite, person())
    together = await written_by(asyncio.gather(*(add(sqlite, person()) for _ in range(40))))
    assert together < await written_by(one_by_one()) / 4


async def test_a_failing_unit_of_work_loses_only_its_own_writes(sqlite) -> None:
    twice = person()
    crews = [[person()], [person(), twice, twice], [person(), person()]]
    results = await asyncio.gather(*(add(sqlite, *crew) for crew in crews), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), Duplicate, type(None)]
    assert await count(sqlite) == 3


async def test_cancelling_one_that_waits_for_the_commit_cancels_nobody_else(sqlite) -> None:
    async def cancel_the_third():
        async with sqlite.writing():
            tasks[2].cancel()

    tasks = [asyncio.ensure_future(add(sqlite, person())) for _ in range(5)]
    last = asyncio.ensure_future(cancel_the_third())
    results = await asyncio.gather(*tasks, last, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [asyncio.CancelledError]
    assert await count(sqlite) == 5


async def test_one_that_is_cancelled_while_it_waits_for_its_turn_writes_nothing(sqlite) -> None:
    async def cancel_the_third():
        async with sqlite.writing():
            await asyncio.sleep(0)
            tasks[2].cancel()

    first = asyncio.ensure_future(cancel_the_third())
    tasks = [asyncio.ensure_future(add(sqlite, person())) for _ in range(5)]
    results = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [asyncio.CancelledError]
    assert await count(sqlite) == 4


async def test_when_sqlite_ends_the_transaction_every_unit_of_it_hears_so(sqlite, path) -> None:
    async def trip():
        async with sqlite.writing() as unit:
            await unit.execute(ADD_NOTE, id=uuid4(), person_id=uuid4(), title="x")

    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER trip BEFORE INSERT ON notes BEGIN SELECT RAISE(ROLLBACK, 'all'); END")
    connection.close()
    results = await asyncio.gather(*(add(sqlite, person()), trip(), add(sqlite, person())), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, sqlite3.IntegrityError, type(None)]
    assert await count(sqlite) == 1


async def test_when_the_disk_is_full_no_write_is_acknowledged(sqlite, path) -> None:
    await add(sqlite, person())
    with no_room(path):
        results = await asyncio.gather(*(add(sqlite, person()) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 5
    assert all(isinstance(result.__cause__, sqlite3.OperationalError) for result in results)
    await add(sqlite, person())
    assert await count(sqlite) == 2


async def test_a_lock_is_waited_for(sqlite, path) -> None:
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(add(sqlite, person()))
    assert await count(sqlite) == 0
    assert not waiting.done()
    lock.execute("ROLLBACK")
    lock.close()
    await waiting
    assert await count(sqlite) == 1


async def test_a_lock_held_too_long_is_told_to_all_who_wait_within_the_same_time(path) -> None:
    database = SqliteDatabase(path, patience=0.2)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    results = await asyncio.gather(*(add(database, person()) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert {type(result.__cause__) for result in results} == {sqlite3.OperationalError}
    assert time.monotonic() - start < 5
    lock.close()
    await add(database, person())
    await database.close()


async def test_two_hundred_writers_of_two_processes_all_write(sqlite, path) -> None:
    processes = [await another_process(path, rounds=2, width=50) for _ in range(2)]
    printed = [(await process.communicate())[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [len(ids) for ids in printed] == [100, 100]
    assert await count(sqlite) == 200


async def test_what_a_killed_process_has_acknowledged_is_there(sqlite, path) -> None:
    process = await another_process(path, rounds=10_000, width=5)
    acknowledged = [await process.stdout.readline() for _ in range(50)]
    process.kill()
    acknowledged += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    for line in acknowledged:
        if line.endswith(b"\n"):
            assert await fetch(sqlite, GET_PERSON, id=UUID(line.decode().strip()))


async def test_only_its_owner_may_read_the_file(sqlite, path) -> None:
    await add(sqlite, person())
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("hexkey.db*")}
    assert modes == {0o600}


async def test_a_file_that_cannot_be_made_is_unavailable(tmp_path) -> None:
    (tmp_path / "file").touch()
    database = SqliteDatabase(tmp_path / "file" / "hexkey.db")
    with pytest.raises(Unavailable):
        await count(database)
    with pytest.raises(Unavailable):
        await add(database, person())
    await database.close()


def test_it_may_be_built_before_the_loop_runs(path) -> None:
    async def use():
        await asyncio.gather(add(database, person()), add(database, person()))
        assert await count(database) == 2
        await database.close()

    database = SqliteDatabase(path)
    asyncio.run(use())


async def test_closing_commits_what_is_under_way(path) -> None:
    database = SqliteDatabase(path)
    adding = asyncio.ensure_future(add(database, person()))
    await asyncio.sleep(0)  # it has its turn
    await asyncio.gather(adding, database.close())
    again = SqliteDatabase(path)
    assert await count(again) == 1
    await again.close()
