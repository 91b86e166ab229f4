"""A SQLite file that another is put in the place of, as who restores a backup does: the new one is read and written."""

import os
import sqlite3

import pytest

from adapters.sql.sqlite import SqliteDatabase
from domain.errors import Unavailable
from tests.adapters.sql.tables import ADD_PERSON
from tests.adapters.sql.test_sqlite import SCAN, crowd
from tests.adapters.sql.test_statements import add, count, person


def replace(path) -> None:
    """By a copy of it."""
    copy = path.with_suffix(".copy")
    reader = sqlite3.connect(path)
    reader.execute("VACUUM INTO ?", (str(copy),))
    reader.close()
    os.replace(copy, path)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)


async def test_what_is_put_in_its_place_is_read_and_written(sqlite, path) -> None:
    await crowd(sqlite, 2000)
    async with sqlite.reading() as reading:
        await reading.fetch(SCAN)  # in a thread, by a connection of its own
    replace(path)
    other = SqliteDatabase(path)
    await add(other, person())
    assert await count(sqlite) == 2001
    await add(sqlite, person())
    assert (await count(other), await count(sqlite)) == (2002, 2002)
    async with sqlite.reading() as reading:
        [(pairs,)] = await reading.fetch(SCAN)
    assert pairs > 2000 * 2000
    await other.close()


async def test_a_unit_of_work_across_the_exchange_is_not_acknowledged(sqlite, path) -> None:
    await add(sqlite, person())
    with pytest.raises(Unavailable):
        async with sqlite.writing() as unit:
            await unit.execute(ADD_PERSON, **person())
            replace(path)
    assert await count(sqlite) == 1


async def test_a_file_that_is_gone_is_unavailable_and_not_made_again(sqlite, path) -> None:
    await add(sqlite, person())
    assert await count(sqlite) == 1
    path.unlink()
    with pytest.raises(Unavailable):
        await count(sqlite)
    with pytest.raises(Unavailable):
        await add(sqlite, person())
    assert not path.exists()
