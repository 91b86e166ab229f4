"""One tour of the service over memory, SQLite and PostgreSQL: the answers are the same, byte for byte."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.databases import NAMES, Databases
from tests.support.ports import ports_over
from tests.support.service import Service
from tests.support.tour import Diary, Told, tour


@asynccontextmanager
async def observed(databases: Databases, name: str) -> AsyncIterator[tuple[Service, Diary]]:
    async with databases.storage(name) as storage:
        service, diary = Service(ports_over(storage)), Diary()
        service.anyone.http.event_hooks["response"] = [diary.write]
        yield service, diary


async def test_the_tour_is_the_same_everywhere(databases: Databases) -> None:
    told: dict[str, Told] = {}
    for name in NAMES:
        async with observed(databases, name) as (service, diary):
            await tour(service)
            told[name] = diary.told
    assert len(told["memory"]) > 250
    assert {status[0] for line in told["memory"] for status in re.findall(r"^\w+ \S+ (\d{3})", line)} == {"2", "3", "4"}
    for name in NAMES[1:]:
        for ours, theirs in zip(told["memory"], told[name], strict=True):
            assert ours == theirs, name
