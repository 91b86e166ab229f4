"""Whoever is killed, and wherever: who asks again under the same key finds exactly one effect."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.process import Installation, Server, installation
from tests.support.units import EFFECT, LAST_WORD

ROOT = Path(__file__).parents[2]
BODY: dict[str, Any] = {"name": "made once", "scopes": ["read"]}
MAKER = {"name": "maker", "scopes": ["read", "api_keys:create", "api_keys:rotate"]}
JSON = "application/json"
KILLS = 3
CLIENTS = 4
MOST = 25
"""Asked by each client between two kills, at the most."""


@pytest.fixture(params=["sqlite", "postgres"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, request.param, HEXKEY_PUBLIC_URL="http://127.0.0.1:8000") as made:
        made.migrate()
        yield made


def let_claims_run_out(installed: Installation) -> None:
    """As if a minute had passed."""
    address = installed.settings.get("HEXKEY_DATABASE_URL")
    if address is None:
        with closing(sqlite3.connect(installed.folder / "hexkey.db", timeout=5)) as file, file:
            file.execute("UPDATE idempotency_records SET claimed_until = '2000-01-01T00:00:00.000000Z'")
    else:
        asyncio.run(_execute(address, "UPDATE idempotency_records SET claimed_until = '2000-01-01T00:00:00Z'"))


async def _execute(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def named(client: httpx.Client) -> Counter[str]:
    """How many API keys there are of each name."""
    listed = client.get("/v1/api-keys?limit=200").json()
    assert listed["total"] == len(listed["data"])
    return Counter(key["name"] for key in listed["data"])


def test_each_point_of_a_request_may_be_the_last(installed: Installation) -> None:
    """What a rotation says is drafted with its effect; the last word on it comes after the commit."""
    with installed.server(workers=2) as server, httpx.Client(base_url=server.url, timeout=20) as client:
        client.headers.update(server.signed_in())
        ask_again(installed, client, "create", EFFECT, is_done=False, waits=True)
        ask_again(installed, client, "create", EFFECT, is_done=True, waits=False)
        ask_again(installed, client, "rotate", EFFECT, is_done=False, waits=True)
        ask_again(installed, client, "rotate", EFFECT, is_done=True, waits=True)
        ask_again(installed, client, "rotate", LAST_WORD, is_done=True, waits=False)


def ask_again(
    installed: Installation, client: httpx.Client, operation: str, which: int, *, is_done: bool, waits: bool
) -> None:
    maker = client.post("/v1/api-keys", json=MAKER).json()
    path, body = {
        "create": ("/v1/api-keys", f'{{"name": "made {is_done}", "scopes": ["read"]}}'),
        "rotate": (f"/v1/api-keys/{maker['key']['id']}/rotate", '{"grace": "1h"}'),
    }[operation]
    killed(installed, "after" if is_done else "before", which, maker["api_key"], path, body)
    headers = {"authorization": f"Bearer {maker['api_key']}", "idempotency-key": "k", "content-type": JSON}
    answers = [client.post(path, content=body, headers=headers)]
    if waits:
        assert (answers[0].status_code, answers[0].json()["code"]) == (409, "idempotency_in_progress")
        let_claims_run_out(installed)
        answers = [client.post(path, content=body, headers=headers)]
    answers.append(client.post(path, content=body, headers=headers))
    assert ["idempotency-replayed" in answer.headers for answer in answers] == [is_done, True]
    assert answers[0].content == answers[1].content
    if operation == "create":
        assert answers[0].status_code == 201, answers[0].text
        assert named(client)[f"made {is_done}"] == 1
    else:
        assert [version["version"] for version in answers[0].json()["key"]["versions"]] == [1, 2]


def killed(installed: Installation, *arguments: object) -> None:
    command = [sys.executable, "-m", "tests.support.dying", *map(str, arguments)]
    done = subprocess.run(
        command, env=installed.environment, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


class Client:
    """Makes one thing after the other, each under a key of its own, and knows which it has seen made."""

    def __init__(self, url: str, credential: dict[str, str], name: str) -> None:
        self.url = url
        self.name = name
        self.credential = credential
        self.asked: list[str] = []
        self.statuses: Counter[tuple[int, bool]] = Counter()

    def work(self, enough: threading.Event) -> None:
        with httpx.Client(base_url=self.url, headers=self.credential, timeout=10) as client:
            for _ in range(MOST):
                self.asked.append(f"{self.name}.{len(self.asked)}")
                try:
                    self.ask(client, self.asked[-1])
                except httpx.TransportError:
                    return
                if sum(self.statuses.values()) % MOST == 4:
                    enough.set()

    def ask(self, client: httpx.Client, key: str) -> httpx.Response:
        answer = client.post("/v1/api-keys", json={**BODY, "name": key}, headers={"idempotency-key": key})
        self.statuses[answer.status_code, "idempotency-replayed" in answer.headers] += 1
        return answer


def test_after_many_kills_each_key_has_made_one_thing(installed: Installation) -> None:
    """Random moments, under load; then every client asks again for all that it ever asked for."""
    clients: list[Client] = []
    for kill in range(KILLS):
        with installed.server(workers=2) as server:
            clients = clients or [
                Client(server.url, server.signed_in(f"client{number}@example.org"), f"c{number}")
                for number in range(CLIENTS)
            ]
            run_until_killed(server, clients, seed=kill)
    let_claims_run_out(installed)
    with installed.server(workers=2) as server:
        for one in clients:
            with httpx.Client(base_url=server.url, headers=one.credential, timeout=10) as client:
                first, second = ([one.ask(client, key) for key in one.asked] for _ in range(2))
                assert {answer.status_code for answer in first} == {201}
                assert [answer.content for answer in first] == [answer.content for answer in second]
                assert named(client) == Counter(one.asked)
    seen: Counter[tuple[int, bool]] = sum((one.statuses for one in clients), Counter())
    assert {status for status, _ in seen} == {201}, seen


def run_until_killed(server: Server, clients: list[Client], *, seed: int) -> None:
    enough, threads = threading.Event(), []
    for one in clients:
        one.url = server.url
        threads.append(threading.Thread(target=one.work, args=(enough,)))
    for thread in threads:
        thread.start()
    assert enough.wait(30), server.said
    enough.wait(random.Random(seed).uniform(0, 0.05))
    server.kill()
    for thread in threads:
        thread.join(30)
