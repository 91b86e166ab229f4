"""The next version has migrated, and this one still serves: nobody notices, until it is told that it must not."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from adapters.sql.migrations import HEAD
from tests.support.process import Installation, Server, free_port, installation

NEXT = f"{int(HEAD) + 1:04}"
GROWN = (
    "ALTER TABLE projects ADD COLUMN colour TEXT",
    "CREATE INDEX ix_projects_colour ON projects (colour)",
    f"UPDATE schema_versions SET version_num = '{NEXT}'",
)
RAISED = (f"UPDATE schema_floor SET head = '{NEXT}'",)


@pytest.fixture(params=["sqlite", "postgres"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param) as made:
        made.migrate()
        yield made


def migrate(installed: Installation, statements: tuple[str, ...]) -> None:
    """As the next version would."""
    if (address := installed.settings.get("HEXKEY_DATABASE_URL")) is not None:
        asyncio.run(_on_postgres(address, statements))
        return
    with closing(sqlite3.connect(installed.folder / "hexkey.db", timeout=10)) as file, file:
        for statement in statements:
            file.execute(statement)


async def _on_postgres(address: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(address)
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def in_use(server: Server) -> Iterator[list[int]]:
    """All that is answered meanwhile."""
    person, statuses, over = server.signed_in(), [], threading.Event()

    def use() -> None:
        with httpx.Client(base_url=server.url, headers=person, timeout=20) as client:
            while not over.wait(0.01):
                number = len(statuses)
                made = client.post("/v1/projects", json={"name": f"project {threading.get_ident()} {number}"})
                statuses.extend((made.status_code, client.get("/v1/projects?limit=10").status_code))
                statuses.append(client.get("/health/ready").status_code)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def test_who_serves_goes_on_over_a_schema_that_has_grown(installed: Installation) -> None:
    with installed.server(workers=2) as server:
        with in_use(server) as statuses:
            time.sleep(0.5)
            migrate(installed, GROWN)
            time.sleep(1.0)
            with installed.server() as later:
                assert httpx.get(f"{later.url}/v1/projects", headers=later.signed_in()).status_code == 200
        assert len(statuses) > 30
        assert set(statuses) == {200, 201}


def test_who_would_miss_something_says_so_and_does_not_start(installed: Installation) -> None:
    with installed.server() as server:
        migrate(installed, (*GROWN, *RAISED))
        answer = httpx.get(f"{server.url}/health/ready")
        assert (answer.status_code, answer.json()["checks"]["schema"]) == (503, "failed")
    done = installed.run("run", "--port", str(free_port()))
    assert done.returncode == 1
    assert f"the schema is at {NEXT}, not at {HEAD}" in done.stderr
