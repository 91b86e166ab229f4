"""What only PostgreSQL can show: a server that goes away, and its own ways to refuse."""

import asyncio
import time

import asyncpg
import pytest
from sqlalchemy import text

from adapters.sql.postgres import PostgresDatabase
from adapters.sql.statements import Statement
from domain.errors import EditConflict, Unavailable
from tests.adapters.sql.tables import ADD_PERSON, COUNT_PEOPLE
from tests.adapters.sql.test_statements import add, count, fetch, person, run
from tests.support.databases import SERVER
from tests.support.proxy import proxied


async def end_connections(dsn):
    """As a restart of the server does."""
    server = await asyncpg.connect(SERVER)
    name = dsn.rpartition("/")[2]
    await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await server.close()


async def test_the_session_is_bounded_and_speaks_utc(postgresql) -> None:
    for name, value in {
        "application_name": "hexkey",
        "TimeZone": "UTC",
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
    }.items():
        assert [tuple(row) for row in await fetch(postgresql, Statement(text(f"SHOW {name}")))] == [(value,)]


async def test_reads_survive_a_restart(postgresql, dsn) -> None:
    await asyncio.gather(*(count(postgresql) for _ in range(10)))
    await end_connections(dsn)
    assert await asyncio.gather(*(count(postgresql) for _ in range(20))) == [0] * 20


async def test_a_unit_of_work_begun_after_a_restart_succeeds(postgresql, dsn) -> None:
    await asyncio.gather(*(add(postgresql, person()) for _ in range(10)))
    await end_connections(dsn)
    await asyncio.gather(*(add(postgresql, person()) for _ in range(10)))
    assert await count(postgresql) == 20


@pytest.mark.parametrize("writes_afterwards", [0, 1])
async def test_a_unit_of_work_cut_by_a_restart_leaves_nothing(postgresql, dsn, writes_afterwards) -> None:
    async def cut():
        async with postgresql.writing() as unit:
            await unit.execute(ADD_PERSON, **person())
            await end_connections(dsn)
            await unit.execute_many(ADD_PERSON, [person()] * writes_afterwards)

    with pytest.raises(Unavailable):
        await cut()
    assert await count(postgresql) == 0


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = PostgresDatabase("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable) as refusal:
        await count(database)
    assert "127.0.0.1" not in refusal.value.detail
    with pytest.raises(Unavailable):
        await add(database, person())
    await database.close()


@pytest.mark.parametrize("state", ["08006", "53100", "53300", "57014", "57P01", "55P03"])
async def test_what_is_not_our_fault_is_unavailable(postgresql, state) -> None:
    trouble = Statement(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))
    with pytest.raises(Unavailable):
        await fetch(postgresql, trouble)
    with pytest.raises(Unavailable):
        await run(postgresql, (trouble, {}))
    assert await count(postgresql) == 0


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_who_gives_way_to_another_unit_may_try_again(postgresql, state) -> None:
    trouble = Statement(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))
    with pytest.raises(EditConflict):
        await run(postgresql, (trouble, {}))
    assert await count(postgresql) == 0


async def test_a_fault_of_our_own_surfaces(postgresql) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await fetch(postgresql, Statement(text("SELECT * FROM nowhere")))


async def test_a_cancelled_statement_leaves_a_usable_pool(postgresql) -> None:
    slow = Statement(text("SELECT pg_sleep(4)"))
    for _ in range(12):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run(postgresql, (ADD_PERSON, person()), (slow, {})), 0.02)
    assert await count(postgresql) == 0
    await add(postgresql, person())


async def test_who_gives_up_on_a_server_that_is_held_does_not_wait_for_it(dsn) -> None:
    async with proxied(dsn) as (proxy, through):
        database = PostgresDatabase(through)
        assert await count(database) == 0
        proxy.hold()
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(count(database), 0.05)
        assert time.monotonic() - start < 1
        proxy.go_on()
        assert await count(database) == 0
        await database.close()


async def test_those_who_find_the_pool_empty_for_too_long_are_told_so(postgresql) -> None:
    held, release = asyncio.Semaphore(0), asyncio.Event()

    async def hold():
        async with postgresql.writing() as unit:
            await unit.fetch(COUNT_PEOPLE)
            held.release()
            await release.wait()

    holders = [asyncio.ensure_future(hold()) for _ in range(10)]
    for _ in holders:
        await held.acquire()
    with pytest.raises(Unavailable):
        await count(postgresql)
    release.set()
    await asyncio.gather(*holders)
    assert await count(postgresql) == 0


async def test_a_root_certificate_that_is_not_there_is_unavailable_and_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    database = PostgresDatabase("postgresql://postgres@127.0.0.1:5432/postgres?sslmode=verify-full")
    with pytest.raises(Unavailable) as refused:
        await count(database)
    assert "root.crt" in str(refused.value.__cause__)
    await database.close()


async def test_it_says_how_many_connections_somebody_uses(postgresql) -> None:
    assert postgresql.connections() == (0, 0, 10)
    async with postgresql.writing(), postgresql.writing():
        assert postgresql.connections() == (2, 2, 10)
    assert postgresql.connections() == (0, 2, 10)
