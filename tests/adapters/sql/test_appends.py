"""However many append at once, changes are seen in the order of their numbers: who has seen one has seen all before."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from sqlalchemy import func, select

from adapters.sql import Database, SqlAccessChanges, access_changes
from adapters.sql.access_changes import append
from adapters.sql.statements import Statement
from tests.support.databases import Databases

WRITERS, EACH = 8, 50
NO_LOCK = Statement(select(func.set_config("synchronous_commit", "on", True)))


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    async with databases.sql("postgres") as opened:
        yield opened


async def missed(database: Database) -> set[str]:
    """What one who follows never saw of what eight connections appended, some of which are slow to commit."""
    changes, random = SqlAccessChanges(database, None), Random(1)
    [last] = (await changes.read(None, 1)).rows
    seen: set[str] = set()

    async def write(writer: int) -> set[str]:
        subjects = {f"key:{writer}.{number}" for number in range(EACH)}
        for subject in subjects:
            async with database.writing() as connection:
                await append(connection, [subject])
                await asyncio.sleep(random.choice((0, 0, 0.002)))
        return subjects

    writing = asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    while not writing.done():
        rows = (await changes.read(last.seq, 10_000)).rows
        assert rows[0] == last
        seen.update(row.subject for row in rows[1:])
        last = rows[-1]
    rows = (await changes.read(last.seq, 10_000)).rows
    return set[str]().union(*await writing) - seen - {row.subject for row in rows[1:]}


async def test_of_what_eight_connections_append_nothing_is_missed(database: Database) -> None:
    assert await missed(database) == set()


async def test_without_the_lock_something_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_changes, "_IN_TURN", NO_LOCK)
    assert await missed(database) != set()


async def test_the_commit_of_a_change_waits_for_the_disk(database: Database) -> None:
    async with database.writing() as connection:
        await connection.fetch(Statement(select(func.set_config("synchronous_commit", "off", True))))
        await append(connection, ["key:1"])
        [(kept,)] = await connection.fetch(Statement(select(func.current_setting("synchronous_commit"))))
    assert kept == "on"
