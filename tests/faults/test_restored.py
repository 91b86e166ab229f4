"""A backup made as the guide says, while people write, is restored as it says: all is there, and they sign in."""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.databases import create_postgres, drop_postgres
from tests.support.process import HEXKEY, OFF, Installation, Server, installation

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"
TITLES = {"sqlite": "### SQLite\n", "postgres": "### PostgreSQL\n"}
TOOLS = {"sqlite": "sqlite3", "postgres": "pg_dump"}
PROJECTS = 30


def commands(storage: str) -> tuple[str, str]:
    """How to make a backup, and how to restore it."""
    section = GUIDE.read_text().partition(TITLES[storage])[2].partition("\n#")[0]
    making, restoring = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return making, restoring


def carried_out(text: str, installed: Installation, backup: Path) -> None:
    around = {**installed.environment, "BACKUP": str(backup), "PATH": f"{HEXKEY.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", text], env=around, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def writing(server: Server, credential: Mapping[str, str]) -> Iterator[list[str]]:
    """The ids of projects that are made all the while; some may be in a backup."""
    over, made = threading.Event(), list[str]()

    def work() -> None:
        while not over.is_set():
            name = {"name": f"meanwhile {len(made)}"}
            made.append(httpx.post(f"{server.url}/v1/projects", json=name, headers=credential).json()["id"])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


@pytest.fixture(params=TITLES)
def storage(request: pytest.FixtureRequest) -> str:
    if shutil.which(TOOLS[request.param]) is None:
        pytest.skip(f"{TOOLS[request.param]} is not here")
    name: str = request.param
    return name


@pytest.fixture
def elsewhere(storage: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where to restore: an empty database, or none at all."""
    if storage == "sqlite":
        yield {}
        return
    address = asyncio.run(create_postgres())
    try:
        yield {"HEXKEY_DATABASE_URL": address}
    finally:
        asyncio.run(drop_postgres(address))


def told(server: Server, credential: Mapping[str, str], path: str) -> Any:
    answer = httpx.get(f"{server.url}{path}", headers=credential)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_was_there_is_there_again_and_they_sign_in(
    storage: str, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    making, restoring = commands(storage)
    first, second, backup = (tmp_path / name for name in ("first", "second", "backup"))
    for folder in (first, second, backup):
        folder.mkdir()
    secret = {"HEXKEY_SECRETS": secrets.token_urlsafe(48), "HEXKEY_PUBLIC_URL": "http://127.0.0.1:8000"}
    with installation(first, storage, **secret) as installed:
        installed.migrate()
        with installed.server(workers=2) as server:
            ada = server.signed_in()
            server.signed_in("grace@example.org")
            before = [
                httpx.post(f"{server.url}/v1/projects", json={"name": f"p{n}"}, headers=ada).json()["id"]
                for n in range(PROJECTS)
            ]
            made = httpx.post(f"{server.url}/v1/api-keys", json={"name": "r", "scopes": ["read"]}, headers=ada).json()
            with writing(server, ada) as meanwhile:
                carried_out(making, installed, backup)
            everything = {*before, *meanwhile}
    restored = Installation(second, {**OFF, **secret, **elsewhere})
    carried_out(restoring, restored, backup)
    with restored.server(workers=2) as server:
        found = set(server.project_ids(server.signed_in()))
        assert set(before) <= found <= everything
        assert set(server.project_ids({"x-api-key": made["api_key"]})) == found
        assert told(server, ada, "/v1/me")["email"] == "ada@example.org"
        assert server.signed_in("grace@example.org")
        again = httpx.post(f"{server.url}/v1/projects", json={"name": "p0"}, headers=ada)
        assert again.status_code == 409
