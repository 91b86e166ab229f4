"""G10: what a page costs at the end of a list of a million rows, and at its beginning, by cursor.

Both are pages of fifty rows after a position, so that neither counts; what the very first page costs, with its `total`,
is said beside them. They are asked of the repository: no HTTP hides the difference.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from statistics import median

import asyncpg

from app.composition import Ports, connect
from app.settings import load
from benchmarks.figures import Figure, at_most
from benchmarks.service import Tenants, postgres_service, sqlite_service
from domain.model.queries import Query, Sort

ROWS, PAGE, ROUNDS, ASKED = 1_000_000, 50, 21, 15
"""Rows, and those of a page; rounds, in each of which either page is asked for so many times, in turns."""
NO_DEEPER = at_most(1.3)
NEWEST = Query(limit=PAGE)
OLDEST = Query(limit=PAGE + 1, sorting=(Sort("created_at"),))
FILL = """
    {before} INSERT INTO projects (id, owner_id, name, created_at, updated_at, version, name_folded)
    SELECT {id}, (SELECT owner_id FROM projects LIMIT 1), 'Row ' || i, made, made, 1, 'row ' || i
    FROM (SELECT i, {made} AS made FROM {rows}) AS made
"""
SQLITE = FILL.format(
    before=f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})",
    id="randomblob(16)",
    made="strftime('%Y-%m-%dT%H:%M:%f000Z', '2020-01-01', i || ' seconds')",
    rows="n",
)
POSTGRES = FILL.format(
    before="",
    id="gen_random_uuid()",
    made="timestamptz '2020-01-01Z' + i * interval '1 second'",
    rows=f"generate_series(1, {ROWS}) AS i",
)


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        with sqlite3.connect(next(tenants.directory.glob("*.db"))) as connection:
            connection.execute(SQLITE)
        connection.close()
        yield _figure("SQLite", tenants)
    try:
        with postgres_service() as tenants:
            asyncio.run(_filled(tenants.environ["HEXKEY_DATABASE_URL"]))
            yield _figure("PostgreSQL", tenants)
    except OSError as error:
        yield Figure(goal="G10", what=_what("PostgreSQL"), target=NO_DEEPER, note=f"no PostgreSQL: {error}")


async def _filled(address: str) -> None:
    connection = await asyncpg.connect(address)
    for statement in (POSTGRES, "VACUUM ANALYZE projects"):
        await connection.execute(statement)
    await connection.close()


def _what(name: str) -> str:
    return f"{name}: the last page of {ROWS:,} rows ÷ the first, by cursor"


def _figure(name: str, tenants: Tenants) -> Figure:
    taken, counted = asyncio.run(_measured(connect(load(tenants.environ))))
    first, last = (median(seconds) * 1000 for seconds in zip(*taken, strict=True))
    note = f"{first:.2f} ms, at the end {last:.2f}; with the total of all rows {counted * 1000:.0f}"
    return Figure(
        goal="G10", what=_what(name), rounds=[last / first for first, last in taken], target=NO_DEEPER, note=note
    )


async def _measured(ports: Ports) -> tuple[list[tuple[float, float]], float]:
    """The seconds of the first page and of the last, round by round; and those of a page with its total."""
    try:
        async with ports.uow.reading() as work:

            async def asked(query: Query) -> float:
                before = time.perf_counter()
                page = await work.projects.list_by_owner(None, query)
                taken = time.perf_counter() - before
                if len(page.items) < PAGE:
                    raise RuntimeError(f"a page has {len(page.items)} rows")
                return taken

            newest, *_ = (await work.projects.list_by_owner(None, NEWEST)).items
            *_, before_last = (await work.projects.list_by_owner(None, OLDEST)).items
            first, last = (replace(NEWEST, after=NEWEST.position_of(row)) for row in (newest, before_last))
            counted = median([await asked(NEWEST) for _ in range(3)])
            await _round(asked, first, last)
            return [await _round(asked, first, last) for _ in range(ROUNDS)], counted
    finally:
        await ports.close()


async def _round(asked: Callable[[Query], Awaitable[float]], first: Query, last: Query) -> tuple[float, float]:
    taken = [(await asked(first), await asked(last)) for _ in range(ASKED)]
    one, other = (median(seconds) for seconds in zip(*taken, strict=True))
    return one, other
