"""What docs/scale.md counts with: the room that keys take, and what PostgreSQL spends on a lookup and on a look at what
was revoked.

What PostgreSQL spends is the processor time of its processes, so it must run on this machine, under Linux.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median
from uuid import UUID

import asyncpg
from sqlalchemy import Table

from adapters.sql import SqlAccessChanges
from adapters.sql.tables import METADATA
from app.composition import connect
from app.settings import load
from benchmarks.figures import Figure
from benchmarks.service import Tenants, postgres_service, sqlite_service
from benchmarks.unleased import unleased
from domain.model.ids import KeyId

KEYS, ROUNDS, ASKED = 200_000, 9, 500
OF_A_KEY = ("api_keys", "api_key_secrets", "api_key_scopes")
MADE = {
    "PostgreSQL": f"CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id FROM generate_series(1, {KEYS})",
    "SQLite": "CREATE TEMP TABLE made AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
    f"i < {KEYS}) SELECT randomblob(16) AS id FROM n",
}


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        yield _room("SQLite", _filled_file(next(tenants.directory.glob("*.db"))))
    try:
        with postgres_service() as tenants:
            yield from asyncio.run(_at_server(tenants))
    except OSError as error:
        yield Figure(goal="", what=_room_of("PostgreSQL"), note=f"no PostgreSQL: {error}")


def _room_of(name: str) -> str:
    return f"{name}: room of a million keys, by {KEYS:,}"


def _room(name: str, taken: int) -> Figure:
    return Figure(goal="", what=_room_of(name), rounds=[taken / KEYS * 1e6 / 2**20], unit="MiB")


def _like_the_first(table: Table) -> str:
    """As many rows of *table* as keys were made, each like the one that is there but for its key."""
    key = "id" if table.name == "api_keys" else "key_id"
    names = [column.name for column in table.columns]
    values = ", ".join("made.id" if name == key else f"first.{name}" for name in names)
    first = f"SELECT * FROM {table.name} LIMIT 1"
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM made CROSS JOIN ({first}) AS first"


def _statements(name: str) -> list[str]:
    return [MADE[name], *(_like_the_first(METADATA.tables[table]) for table in OF_A_KEY)]


def _filled_file(file: Path) -> int:
    """The bytes that the keys take."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("VACUUM")
    before = file.stat().st_size
    for statement in _statements("SQLite"):
        connection.execute(statement)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size - before


async def _at_server(tenants: Tenants) -> list[Figure]:
    address = tenants.environ["HEXKEY_DATABASE_URL"]
    watch = await asyncpg.connect(address)
    try:
        before = await watch.fetchval("SELECT pg_database_size(current_database())")
        for statement in _statements("PostgreSQL"):
            await watch.execute(statement)
        ids = [row["id"] for row in await watch.fetch("SELECT id FROM made ORDER BY random() LIMIT 20000")]
        await watch.execute("DROP TABLE made")
        await watch.execute("VACUUM ANALYZE")
        after = await watch.fetchval("SELECT pg_database_size(current_database())")
        return [_room("PostgreSQL", after - before), *await _spent(tenants, watch, ids)]
    finally:
        await watch.close()


async def _spent(tenants: Tenants, watch: asyncpg.Connection, ids: list[UUID]) -> list[Figure]:
    settings = load(tenants.environ)
    reading = unleased(settings, connect(settings))
    changes = SqlAccessChanges.at(tenants.environ["HEXKEY_DATABASE_URL"])
    (newest,) = (await changes.read(None, 1)).rows

    async def lookup() -> None:
        if await reading.directory.find_key(KeyId(random.choice(ids))) is None:
            raise RuntimeError("a key that was made is not there")

    async def look() -> None:
        await changes.read(newest.seq, 10_002)

    found = []
    for what, work in (("a key looked up", lookup), ("a look at what was revoked", look)):
        taken, spent = await _rounds(work, watch)
        found.append(Figure(goal="", what=f"{what}, there and back", rounds=taken, unit="µs"))
        found.append(Figure(goal="", what=f"{what}, of it PostgreSQL's processor", rounds=spent, unit="µs"))
    await changes.close()
    await reading.close()
    return found


async def _rounds(work: Callable[[], Awaitable[None]], watch: asyncpg.Connection) -> tuple[list[float], list[float]]:
    """For each round what one call took, and what the server spent on it, in microseconds."""
    await work()
    taken, spent = [], []
    for _ in range(ROUNDS):
        before, singles = await _processor(watch), []
        for _ in range(ASKED):
            began = time.perf_counter()
            await work()
            singles.append(time.perf_counter() - began)
        taken.append(median(singles) * 1e6)
        spent.append((await _processor(watch) - before) / ASKED * 1e6)
    return taken, spent


async def _processor(watch: asyncpg.Connection) -> float:
    """Seconds that the sessions of this database have spent, but for the one that watches."""
    pids = await watch.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return _seconds([row["pid"] for row in pids])


def _seconds(pids: list[int]) -> float:
    """That these processes have run, by the kernel's own account, which counts nanoseconds."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9
