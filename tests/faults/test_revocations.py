"""Four real workers: nobody accepts what was revoked after the receipt, and nobody accepts what nobody can ask about.

The experiment is that of ``benchmarks/revocations.py``, which takes thousands where this takes dozens.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.revocations import KINDS, Case, Line, cases_in, outcomes
from tests.support.databases import create_postgres, drop_postgres
from tests.support.process import Installation, Server
from tests.support.proxy import Proxy, proxied

PUBLIC_URL = "http://127.0.0.1:8000"
NUMBERS = {"key": 50, "session": 8, "user": 8, "role": 8}


@asynccontextmanager
async def four_workers(installed: Installation) -> AsyncIterator[Server]:
    await asyncio.to_thread(installed.migrate)
    context = installed.server(workers=4)
    try:
        yield await asyncio.to_thread(context.__enter__)
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@asynccontextmanager
async def held_database() -> AsyncIterator[tuple[Proxy, str]]:
    address = await create_postgres()
    try:
        async with proxied(address) as through:
            yield through
    finally:
        await drop_postgres(address)


async def require_none_late(server: Server, cases: list[Case]) -> None:
    found = await outcomes(server.url, cases, at_once=37, lines=3, pause=0.08)
    assert {outcome.kind for outcome in found} == set(KINDS)
    assert [outcome for outcome in found if outcome.late or not outcome.used] == [], server.said
    assert {outcome.last_status for outcome in found} <= {401, 403}


async def test_on_sqlite_nobody_accepts_after_the_receipt(tmp_path: Path) -> None:
    installed = Installation(tmp_path, {"HEXKEY_PUBLIC_URL": PUBLIC_URL})
    async with four_workers(installed) as server:
        await require_none_late(server, await cases_in(installed.environment, NUMBERS))


async def test_on_postgres_nobody_does_and_a_database_that_is_held_or_cut_off_gives_503(tmp_path: Path) -> None:
    async with held_database() as (proxy, address):
        installed = Installation(tmp_path, {"HEXKEY_PUBLIC_URL": PUBLIC_URL, "HEXKEY_DATABASE_URL": address})
        async with four_workers(installed) as server:
            await require_none_late(server, await cases_in(installed.environment, NUMBERS))
            [key] = await cases_in(installed.environment, {"key": 1})
            lines = [Line(server.url) for _ in range(12)]
            for stop, resume in ((proxy.hold, proxy.go_on), (proxy.cut, proxy.go_on)):
                await require_refused_while(lines, key, stop, resume)
            for line in lines:
                line.close()


async def require_refused_while(
    lines: list[Line], key: Case, stop: Callable[[], None], resume: Callable[[], None]
) -> None:
    async def statuses() -> set[int]:
        answers = await asyncio.gather(*(line.send("GET", key.path, key.credential) for line in lines))
        return {status for status, _ in answers}

    assert await statuses() == {200}
    stop()
    stopped, seen = time.monotonic(), set[int]()
    while time.monotonic() < stopped + 0.8:
        began = time.monotonic() - stopped
        seen = await statuses()
        assert began < 0.4 or seen == {503}, f"{seen} by requests that began {began:.3f} s after"
    assert seen == {503}
    resume()
    resumed = time.monotonic()
    while await statuses() != {200}:
        assert time.monotonic() < resumed + 2
