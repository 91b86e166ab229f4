"""One row by its key and one insert, by each way to the database: `python benchmarks/drivers.py` (PYTHONPATH=src).

Each round runs every way once, one after another; the figures are medians of rounds, the ratios are to our way.
The PostgreSQL server is that of HEXKEY_TEST_POSTGRES; the databases are made for the run and thrown away.
"""

import asyncio
import importlib.util
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, event, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.sql.base import Id
from adapters.sql.postgres import PostgresDatabase
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import Statement

SERVER = os.environ.get("HEXKEY_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
ROUNDS, READS, INSERTS = 7, 300, 40
people = Table(
    "people", MetaData(), Column("id", Id, primary_key=True), Column("email", String(320)), Column("age", Integer)
)
GET = Statement(select(people.c.email, people.c.age).where(people.c.id == bindparam("id")))
ADD = Statement(insert(people))
Read = Callable[[UUID], Awaitable[object]]
Write = Callable[[UUID], Awaitable[object]]
Way = tuple[Read, Write]


def person(id: UUID) -> dict[str, object]:
    return {"id": id, "email": f"{id}@example.com", "age": 40}


def by_ours(database: SqliteDatabase | PostgresDatabase) -> Way:
    async def read(id: UUID) -> object:
        async with database.reading() as connection:
            return await connection.fetch_one(GET, id=id)

    async def write(id: UUID) -> None:
        async with database.writing() as unit:
            await unit.execute(ADD, **person(id))

    return read, write


def by_sqlalchemy(engine: AsyncEngine) -> Way:
    async def read(id: UUID) -> object:
        async with engine.connect() as connection:
            return (await connection.execute(GET.core, {"id": id})).one()

    async def write(id: UUID) -> None:
        async with engine.begin() as connection:
            await connection.execute(ADD.core, person(id))

    return read, write


@asynccontextmanager
async def by_psycopg(dsn: str) -> AsyncIterator[Way]:
    import psycopg  # a peer: only measured, never shipped

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:

        async def read(id: UUID) -> object:
            return await (await connection.execute("SELECT email, age FROM people WHERE id = %s", (id,))).fetchone()

        async def write(id: UUID) -> None:
            async with connection.transaction():
                await connection.execute("INSERT INTO people VALUES (%s, %s, %s)", tuple(person(id).values()))

        yield read, write


@asynccontextmanager
async def engine_on(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=FULL"))
    yield engine
    await engine.dispose()


@asynccontextmanager
async def throw_away_postgres() -> AsyncIterator[str]:
    server, name = await asyncpg.connect(SERVER), f"hexkey_bench_{secrets.token_hex(4)}"
    await server.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def timed(work: Callable[[UUID], Awaitable[object]], ids: list[UUID]) -> float:
    """Microseconds for one, of the whole one after another."""
    start = time.perf_counter()
    for each in ids:
        await work(each)
    return (time.perf_counter() - start) / len(ids) * 1e6


async def compare(title: str, ways: dict[str, Way]) -> None:
    known = uuid4()
    await ways["ours"][1](known)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, (read, write) in ways.items():
            reading = await timed(read, [known] * READS)
            figures[name].append((reading, await timed(write, [uuid4() for _ in range(INSERTS)])))
    for name, rounds in figures.items():
        reads, inserts = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
        ours = [statistics.median(column) for column in zip(*figures["ours"][1:], strict=True)]
        ratios = f"{reads / ours[0]:5.1f}x {inserts:8.0f} us {inserts / ours[1]:5.1f}x"
        print(f"{title:11} {name:26} {reads:8.0f} us {ratios}")


async def on_sqlite(stack: AsyncExitStack) -> dict[str, Way]:
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "bench.db"
    database = SqliteDatabase(path)
    async with database.writing():
        pass  # makes the file, in WAL mode
    stack.push_async_callback(database.close)
    ways = {"ours": by_ours(database)}
    if importlib.util.find_spec("aiosqlite") is None:
        print("left out: SQLAlchemy + aiosqlite, which is not installed")
        return ways
    engine = await stack.enter_async_context(engine_on(f"sqlite+aiosqlite:///{path}"))
    async with engine.begin() as connection:
        await connection.run_sync(people.metadata.create_all)
    return {"SQLAlchemy + aiosqlite": by_sqlalchemy(engine)} | ways


async def on_postgres(stack: AsyncExitStack) -> dict[str, Way]:
    dsn = await stack.enter_async_context(throw_away_postgres())
    engine = await stack.enter_async_context(engine_on(dsn.replace("postgresql", "postgresql+asyncpg", 1)))
    async with engine.begin() as connection:
        await connection.run_sync(people.metadata.create_all)
    database = PostgresDatabase(dsn)
    stack.push_async_callback(database.close)
    ways = {"SQLAlchemy + asyncpg": by_sqlalchemy(engine)}
    if importlib.util.find_spec("psycopg") is None:
        print("left out: psycopg, which is not installed")
    else:
        ways["psycopg, one connection"] = await stack.enter_async_context(by_psycopg(dsn))
    return ways | {"ours": by_ours(database)}


async def main() -> None:
    print(f"{'':38} one by key{'':15}one insert, committed (medians of {ROUNDS} rounds)")
    for title, prepare in {"SQLite": on_sqlite, "PostgreSQL": on_postgres}.items():
        async with AsyncExitStack() as stack:
            await compare(title, await prepare(stack))


asyncio.run(main())
