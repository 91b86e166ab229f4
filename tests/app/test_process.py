"""The running service: workers, signals, exit statuses, what it writes; and what the command loads."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.support.process import Installation, Server, installation

STORAGES = ("sqlite", "postgres")
HEADERS = "POST /v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\nContent-Type: application/json\r\n"


class Upgraded(NamedTuple):
    """*statuses* are those of the commands that migrated it."""

    installation: Installation
    statuses: tuple[int, ...]


@pytest.fixture(scope="module", params=STORAGES)
def upgraded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """An empty database that four commands have migrated at once."""
    folder = tmp_path_factory.mktemp(request.param)
    with installation(folder, request.param, HEXKEY_LOG_FORMAT="json") as installed, ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda _: installed.run("database", "upgrade", "--no-prompt"), range(4))
        yield Upgraded(installed, tuple(one.returncode for one in done))


@pytest.fixture(scope="module")
def server(upgraded: Upgraded) -> Iterator[Server]:
    with upgraded.installation.server(workers=2) as started:
        yield started
        assert started.stop() == 0, started.said


def test_four_migrations_at_once_all_end_well(upgraded: Upgraded) -> None:
    assert upgraded.statuses == (0, 0, 0, 0)


def test_a_first_admin_is_made_once_and_can_sign_in(upgraded: Upgraded, server: Server) -> None:
    create = ("users", "create", "--admin", "--if-none", "--email")
    first = upgraded.installation.run(*create, "admin@example.org")
    assert first.returncode == 0, first.stderr
    password = first.stdout.partition("once: ")[2].strip()
    form = {"grant_type": "password", "username": "admin@example.org", "password": password}
    assert httpx.post(f"{server.url}/v1/auth/token", data=form, timeout=10).status_code == 200
    second = upgraded.installation.run(*create, "other@example.org")
    assert (second.returncode, second.stdout) == (0, "There is an admin already.\n")


async def test_two_workers_serve_two_hundred_writers_at_once(server: Server) -> None:
    limits, credential = httpx.Limits(max_connections=200), server.signed_in()
    async with httpx.AsyncClient(base_url=server.url, headers=credential, limits=limits, timeout=30) as ada:
        made = await asyncio.gather(*(ada.post("/v1/projects", json={"name": f"p{n}"}) for n in range(200)))
        assert [answer.status_code for answer in made] == [201] * 200
        pages = [(await ada.get(f"/v1/projects?limit=100&offset={offset}")).json() for offset in (0, 100)]
        kept = {project["id"] for page in pages for project in page["data"]}
        assert kept == {answer.json()["id"] for answer in made}
        again = await asyncio.gather(*(ada.post("/v1/projects", json={"name": "one"}) for _ in range(20)))
        assert sorted(answer.status_code for answer in again) == [201] + [409] * 19


def test_a_server_answers_under_the_address_that_it_prints(server: Server) -> None:
    assert f"serving {server.url}, docs at {server.url}/docs" in server.said
    answer = httpx.get(f"{server.url}/docs")
    assert answer.status_code == 200
    assert "server" not in answer.headers
    assert httpx.get(server.url, headers={"host": "evil.example"}).json()["code"] == "host_not_allowed"


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_answers_what_is_in_flight_and_ends_well(tmp_path: Path, workers: int) -> None:
    installed = Installation(tmp_path, {"HEXKEY_LOG_FORMAT": "json"})
    installed.migrate()
    with installed.server(workers=workers) as server:
        head = HEADERS.format(server.signed_in()["authorization"]) + "Content-Length: 20\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=15) as line:
            line.sendall(head.encode() + b'{"name":"Wa')
            httpx.get(f"{server.url}/health/live")
            server.process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(0.5)
            line.sendall(b'rehouse"}')
            assert line.recv(4096).startswith(b"HTTP/1.1 201")
        assert server.process.wait(15) == 0, server.said
    lines = [json.loads(text) for text in server.said.splitlines()]
    assert {"ts", "level", "event", "logger"} <= set.intersection(*(set(line) for line in lines))
    assert not [line for line in lines if line["level"] in {"error", "critical"}]


def test_a_schema_that_is_not_current_is_refused_with_its_mend_before_there_are_workers(tmp_path: Path) -> None:
    refused = Installation(tmp_path).run("run", "--port", "0", "--workers", "2")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "run `hexkey database upgrade`" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_with_json_a_refusal_to_start_is_an_object_too(tmp_path: Path) -> None:
    refused = Installation(tmp_path, {"HEXKEY_LOG_FORMAT": "json"}).run("run", "--port", "0")
    assert refused.returncode == 1
    (line,) = [json.loads(text) for text in (refused.stdout + refused.stderr).splitlines()]
    assert "run `hexkey database upgrade`" in line["event"]


def test_wrong_settings_are_named_all_at_once_and_never_shown(tmp_path: Path) -> None:
    wrong = {"HEXKEY_PUBLIC_URL": "canary://", "HEXKEY_REGISTRATION": "canary", "HEXKEY_PORT": "canary"}
    for command in (["run"], ["users", "create", "--email", "a@example.org"], ["database", "upgrade"], ["doctor"]):
        refused = Installation(tmp_path, wrong).run(*command)
        assert refused.returncode == 78, refused.stderr
        told = refused.stdout + refused.stderr
        assert all(name in told for name in wrong), told
        assert "canary" not in told


def test_production_starts_with_nothing_unsafe(tmp_path: Path) -> None:
    refused = Installation(tmp_path, {"HEXKEY_ENV": "production"}).run("run")
    assert refused.returncode == 78
    for name in ("HEXKEY_SECRETS", "HEXKEY_PUBLIC_URL", "HEXKEY_RATE_LIMIT_DEFAULT"):
        assert name in refused.stderr


def test_memory_serves_one_worker(tmp_path: Path) -> None:
    refused = Installation(tmp_path, {"HEXKEY_DATABASE_URL": "memory://"}).run("run", "--workers", "2")
    assert refused.returncode == 2
    assert "memory:// serves one worker" in refused.stderr


@pytest.mark.parametrize("command", [["--help"], ["doctor"], ["secrets", "generate"], ["--version"]])
def test_what_builds_no_application_loads_none(tmp_path: Path, command: list[str]) -> None:
    code = (
        "import sys; from app.cli import main; main(sys.argv[1:], standalone_mode=False)\n"
        "print(sorted({'litestar', 'sqlalchemy', 'uvicorn', 'argon2'} & set(sys.modules)))"
    )
    environment = Installation(tmp_path).environment
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_explains_itself(tmp_path: Path) -> None:
    helped = Installation(tmp_path).run("--help")
    assert helped.returncode == 0
    for name in ("access", "database", "doctor", "routes", "run", "secrets", "users"):
        assert f"  {name} " in helped.stdout
    assert Installation(tmp_path).run("nonsense").returncode == 2
