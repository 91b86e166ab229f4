"""Behind a PgBouncer that lends two sessions to two workers, each for one transaction: nobody sees what is another's,
nothing fails, and what is revoked is revoked.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text

from adapters.sql.postgres import PostgresDatabase
from adapters.sql.postgres_pool import is_shared
from adapters.sql.statements import Statement
from tests.support.databases import SERVER, create_postgres, drop_postgres
from tests.support.poolers import Pooler, pooler
from tests.support.process import Installation, Server

PEOPLE, ROUNDS = 6, 25
DROPS_WHAT_A_SESSION_IS_TOLD = (
    "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout"
)


@pytest.fixture(scope="module", params=[(), (DROPS_WHAT_A_SESSION_IS_TOLD,)], ids=["strict", "lenient"])
def between(request: pytest.FixtureRequest) -> Iterator[Pooler]:
    with pooler(*request.param) as started:
        yield started


@pytest.fixture(scope="module")
def address(between: Pooler) -> Iterator[str]:
    made = asyncio.run(create_postgres())
    try:
        yield between.before(made)
    finally:
        between.kill()
        asyncio.run(drop_postgres(made))


@pytest.fixture(scope="module")
def server(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    installed = Installation(tmp_path_factory.mktemp("pooled"), {"HEXKEY_DATABASE_URL": address})
    assert installed.run("database", "upgrade", "--no-prompt").returncode == 0
    with installed.server(workers=2) as started:
        yield started


async def test_a_pooler_is_told_from_a_server(address: str) -> None:
    assert await is_shared(address)
    assert not await is_shared(SERVER)


async def shown(database: PostgresDatabase, name: str) -> str:
    async with database.reading() as connection:
        ((value,),) = await connection.fetch(Statement(text(f"SELECT current_setting('{name}')")))
    return str(value)


async def test_every_transaction_is_bounded_though_the_session_was_told_nothing(address: str) -> None:
    database = PostgresDatabase(address)
    bounds = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}
    assert {name: await shown(database, name) for name in bounds} == bounds
    async with database.writing() as unit:
        rows = await unit.fetch(Statement(text("SELECT current_setting('lock_timeout')")))
    assert rows == [("2s",)]
    await database.close()


def person(server: Server, number: int) -> Counter[int]:
    """Makes projects and reads them back; the statuses of all answers. Fails where anything is not their own."""
    statuses: Counter[int] = Counter()
    credential = server.signed_in(f"person{number}@example.org")
    with httpx.Client(base_url=server.url, headers=credential, timeout=20) as client:
        for turn in range(ROUNDS):
            made = client.post("/v1/projects", json={"name": f"{number} {turn}"})
            listed = client.get("/v1/projects?limit=200")
            found = client.get(f"/v1/projects/{made.json()['id']}")
            assert found.json()["name"] == f"{number} {turn}"
            assert {project["name"].split()[0] for project in listed.json()["data"]} == {str(number)}
            assert listed.json()["total"] == turn + 1
            statuses.update([made.status_code, listed.status_code, found.status_code])
    return statuses


def test_people_at_once_see_what_is_theirs_and_nothing_fails(server: Server) -> None:
    with ThreadPoolExecutor(PEOPLE) as pool:
        statuses = sum(pool.map(lambda number: person(server, number), range(PEOPLE)), Counter())
    assert statuses == {201: PEOPLE * ROUNDS, 200: 2 * PEOPLE * ROUNDS}
    assert '"level":"error"' not in server.said
    assert " ERROR " not in server.said


def test_what_is_revoked_is_accepted_by_no_worker_after_the_promised_instant(server: Server) -> None:
    ada = server.signed_in()
    for number in range(3):
        name = {"name": f"robot {number}", "scopes": ["read"]}
        made = httpx.post(f"{server.url}/v1/api-keys", json=name, headers=ada).json()
        key = {"x-api-key": made["api_key"]}
        over, accepted = threading.Event(), list[datetime]()

        def ask(key: dict[str, str] = key, over: threading.Event = over, accepted: list[datetime] = accepted) -> None:
            while not over.is_set():
                began = datetime.now(UTC)
                if httpx.get(f"{server.url}/v1/whoami", headers=key, timeout=10).status_code == 200:
                    accepted.append(began)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        time.sleep(0.5)
        revoked = httpx.post(f"{server.url}/v1/api-keys/{made['key']['id']}/revoke", headers=ada, timeout=10)
        effective = datetime.fromisoformat(revoked.json()["effective_at"])
        time.sleep(1)
        over.set()
        for asker in askers:
            asker.join()
        assert accepted
        assert max(accepted) <= effective


def test_when_it_dies_callers_are_told_to_come_back_and_when_it_is_back_they_are_served(
    server: Server, between: Pooler
) -> None:
    ada = server.signed_in()
    between.kill()
    time.sleep(0.6)
    away = httpx.get(f"{server.url}/v1/projects", headers=ada, timeout=10)
    assert (away.status_code, away.headers["retry-after"].isdigit()) == (503, True)
    between.start()
    deadline = time.monotonic() + 5
    while httpx.get(f"{server.url}/v1/projects", headers=ada, timeout=10).status_code != 200:
        assert time.monotonic() < deadline
    assert httpx.post(f"{server.url}/v1/projects", json={"name": "afterwards"}, headers=ada).status_code == 201
