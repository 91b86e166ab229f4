"""The history of changes is no longer what a worker has followed: a backup, lost rows, too many. It begins anew."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, literal, select, text

from adapters.leases import LeasedDirectory
from adapters.sql import Database, SqlAccessChanges, SqlAccessDirectory, SqlUnitOfWorkFactory, open_database
from adapters.sql.access_changes import CHANGES
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import Statement
from adapters.system import SystemClock
from domain.model.keys import Key
from domain.model.scopes import Catalogue
from tests.support.databases import Databases
from tests.support.examples import a_key, a_role, a_user
from tests.support.fakes import START

OPEN_TRANSACTIONS = Statement(
    select(func.count())
    .select_from(text("pg_stat_activity"))
    .where(text("datname = current_database() AND state LIKE 'idle in transaction%'"))
)


class Worker:
    """A cache over *database* that has read *key*, holds a lease and is followed when told."""

    def __init__(self, database: Database) -> None:
        path = database.path if isinstance(database, SqliteDatabase) else None
        clock = SystemClock()
        source = SqlAccessDirectory(database, Catalogue(), clock)
        self.directory = LeasedDirectory(source, SqlAccessChanges(database, path), clock=clock)
        self.uow = SqlUnitOfWorkFactory(database)
        self.own_uow = SqlUnitOfWorkFactory(database, self.directory.heard)
        self.key: Key = a_key(a_user())

    async def begin(self) -> None:
        owner, role = a_user(), a_role()
        self.key = a_key(owner)
        async with self.uow() as work:
            await work.users.add(owner)
            await work.roles.add(role)
            await work.roles.grant(role.id, owner.id)
            await work.keys.add(self.key, live_at_most=9, now=START)
        self.role = role
        for _ in range(2):
            await self.directory.follow()
        assert await self.directory.find_key(self.key.id) is not None
        assert self.knows

    @property
    def knows(self) -> bool:
        return self.directory.hit(self.key.id) is not None

    async def is_revoked(self) -> bool:
        grant = await self.directory.find_key(self.key.id)
        return grant is not None and grant.key.revoked_at is not None


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Database]:
    async with databases.sql(request.param) as opened:
        yield opened


@pytest.fixture
async def worker(database: Database) -> Worker:
    made = Worker(database)
    await made.begin()
    return made


async def revoke(worker: Worker) -> None:
    async with worker.uow() as work:
        await work.keys.save((await work.keys.get(worker.key.id)).revoke(now=START))


async def test_a_history_that_is_followed_goes_on(worker: Worker) -> None:
    other = a_user()
    async with worker.uow() as work:
        await work.users.add(other)
        await work.users.save(other)
    await worker.directory.follow()
    assert worker.knows


async def test_what_a_worker_itself_has_changed_it_heeds_before_it_looks(worker: Worker) -> None:
    await revoke(worker)  # of which it has heard nothing
    for _ in range(2):
        async with worker.own_uow() as work:
            await work.keys.save(await work.keys.get(worker.key.id))
        assert not worker.knows
        assert await worker.is_revoked()
        assert worker.knows


async def test_a_look_leaves_nothing_open(worker: Worker, database: Database) -> None:
    await worker.directory.follow()
    if isinstance(database, SqliteDatabase):
        other = sqlite3.connect(database.path)
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        other.close()
    else:
        async with database.reading() as connection:
            [(open_ones,)] = await connection.fetch(OPEN_TRANSACTIONS)
        assert open_ones == 0


async def test_a_change_of_a_role_is_one_row_and_reaches_all_who_hold_it(worker: Worker, database: Database) -> None:
    before = await _rows(database)
    async with worker.uow() as work:
        await work.roles.save(await work.roles.get(worker.role.id))
    assert await _rows(database) == before + 1
    await worker.directory.follow()
    assert not worker.knows


async def _rows(database: Database) -> int:
    async with database.reading() as connection:
        return len(await connection.fetch(Statement(select(CHANGES.c.seq))))


async def test_rows_that_are_lost_make_it_begin_anew(worker: Worker, database: Database) -> None:
    async with database.writing() as connection:
        newest = max(seq for (seq,) in await connection.fetch(Statement(select(CHANGES.c.seq))))
        await connection.execute(Statement(delete(CHANGES).where(CHANGES.c.seq == literal(newest))))
    await worker.directory.follow()
    assert not worker.knows


async def test_a_number_that_was_given_twice_makes_it_begin_anew(worker: Worker, database: Database) -> None:
    newest = select(CHANGES.c.seq).order_by(CHANGES.c.seq.desc()).limit(1).scalar_subquery()
    async with database.writing() as connection:
        other = Statement(CHANGES.update().where(CHANGES.c.seq == newest).values(mark=literal(7)))
        await connection.execute(other)
    await worker.directory.follow()
    assert not worker.knows


async def test_more_than_ten_thousand_rows_make_it_begin_anew(worker: Worker, database: Database) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT i FROM n"
    many = select(text("i AS mark"), text("'key:' || i AS subject"), CHANGES.c.at).select_from(
        text(f"({numbers}) AS m")
    )
    one = select(CHANGES.c.at).order_by(CHANGES.c.seq).limit(1).scalar_subquery()
    many = select(text("i"), text("'key:' || i"), one).select_from(text(f"({numbers}) AS m"))
    async with database.writing() as connection:
        await connection.execute(Statement(insert(CHANGES).from_select(["mark", "subject", "at"], many)))
    await worker.directory.follow()
    assert not worker.knows
    for _ in range(2):
        await worker.directory.follow()
    assert not await worker.is_revoked()
    await revoke(worker)
    await worker.directory.follow()
    assert await worker.is_revoked()


async def test_a_backup_that_is_moved_into_place_is_followed_from_the_next_look(databases: Databases) -> None:
    async with databases.sql("sqlite") as database:
        assert isinstance(database, SqliteDatabase)
        worker = Worker(database)
        await worker.begin()
        await restore_revoked(database.path, worker)
        await worker.directory.follow()
        assert await worker.is_revoked()


async def restore_revoked(path: Path, worker: Worker) -> None:
    """A copy of the file in which the key is revoked takes its place."""
    copy = path.with_suffix(".backup")
    reader = sqlite3.connect(path)
    reader.execute("VACUUM INTO ?", (str(copy),))
    reader.close()
    other = open_database(copy)
    async with SqlUnitOfWorkFactory(other)() as work:
        await work.keys.save((await work.keys.get(worker.key.id)).revoke(now=START))
    await other.close()
    os.replace(copy, path)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
