"""Hexkey beside others: the same question to both, over HTTP, each on the same core while the other one sleeps.

Nobody asks FastAPI and SQLModel who is calling; ours knows the key, counts the call and keeps to its limits.
Two variables make a run shorter or longer: ``BENCH_ROUNDS`` (5) and ``BENCH_SECONDS`` (2) of each load.
"""

import asyncio
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from benchmarks.environments import PEERS, last_line, python_of
from benchmarks.figures import Figure, Target, at_least, paired
from benchmarks.over_http import Case, awake, keys_file
from benchmarks.servers import CORES, Server, free_port, hexkey
from benchmarks.service import Tenants, postgres_service, sqlite_service

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
TUNED = ("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--no-access-log", "--no-proxy-headers")
SECRET = "a secret of thirty-two bytes or more, for nobody"
FEW = 4
"""Connections on keyshield as documented: it holds SQLite's only write lock while it delays its answer."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One question, asked of ours and of theirs."""

    goal: str
    what: str
    ours: Case
    theirs: Case
    target: Target | None


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants, _asleep(tenants) as ours:
        yield from _keyshield(tenants, ours)
        yield from _sqlmodel("SQLite", tenants, ours, get=12, page=6, short=10)
    try:
        with postgres_service() as tenants, _asleep(tenants) as ours:
            yield from _sqlmodel("PostgreSQL", tenants, ours, get=7, page=4, short=6)
            yield from _kwik(tenants, ours)
    except (OSError, asyncpg.PostgresError) as error:
        yield Figure(goal="G8", what="everything on PostgreSQL", note=f"no server: {error}")


@contextmanager
def _asleep(tenants: Tenants) -> Iterator[Server]:
    with hexkey(tenants.environ) as ours:
        ours.sleep()
        yield ours


def _keyshield(tenants: Tenants, ours: Server) -> Iterator[Figure]:
    environ = {"BENCH_PEER_URL": f"sqlite+aiosqlite:///{tenants.directory / 'keyshield.db'}"}
    question = f'{{"api_key":"{tenants.key}"}}'
    verify = _case("/v1/api-keys/verify", script_args=(keys_file(tenants, "verifier", (tenants.key,)), question))
    # The tuned one has no verdict until its cache is seen to take hold: at a few answers a second it hashes each time.
    for how, target, connections in (("tuned", None, verify.connections), ("documented", at_least(1000), FEW)):
        what = f"SQLite: verify ÷ keyshield 2.0.1, {how}"
        try:
            secret = _said("keyshield", "keyshield_documented.py", environ)
            theirs = replace(_case("/protected/", f"Authorization: Bearer {secret}"), connections=connections)
            options = TUNED if how == "tuned" else ()
            with _peer("keyshield", f"keyshield_{how}:app", environ, options) as peer:
                awoken(peer, theirs)  # or all of the load would miss the cache at once, an Argon2 each
                yield _figure(Pair("G5", what, verify, theirs, target), ours, peer)
        except (RuntimeError, OSError) as error:
            yield Figure(goal="G5", what=what, target=target, note=last_line(str(error)))


def _sqlmodel(storage: str, tenants: Tenants, ours: Server, *, get: int, page: int, short: int) -> Iterator[Figure]:
    file = f"sqlite:///{tenants.directory / 'sqlmodel.db'}"
    url = tenants.environ.get("HEXKEY_DATABASE_URL")
    with _database(url, "_sqlmodel") as beside:
        environ = {"BENCH_PEER_URL": beside.replace("postgresql:", "postgresql+psycopg:", 1) if beside else file}
        for how, app, options in (
            ("tuned", "sqlmodel_tuned_postgres" if url else "sqlmodel_tuned_sqlite", TUNED),
            ("documented", "sqlmodel_documented", ()),
        ):
            name = f"FastAPI + SQLModel, {how}"
            goals = {"get": get, "20": short, "100": page}
            try:
                with _peer("sqlmodel", f"{app}:app", environ, options) as peer:
                    for pair in _reads(storage, tenants, name, peer, "/projects/", goals):
                        yield _figure(pair, ours, peer)
            except (RuntimeError, OSError) as error:
                yield Figure(goal="G6", what=f"{storage}: ÷ {name}", note=last_line(str(error)))


def _kwik(tenants: Tenants, ours: Server) -> Iterator[Figure]:
    with _database(tenants.environ["HEXKEY_DATABASE_URL"], "_kwik") as url:
        # the driver that it installs: since SQLAlchemy 2.1 an address without a name means another one
        address = (url or "").replace("postgresql:", "postgresql+psycopg2:", 1)
        plain = {"KWIK_SQLALCHEMY_DATABASE_URI": address, "KWIK_SECRET_KEY": SECRET, "KWIK_APP_ENV": "production"}
        tuned = {**plain, "KWIK_LOG_LEVEL": "ERROR", "KWIK_POSTGRES_POOL_SIZE": "40"}
        for how, environ, options in (
            ("tuned", tuned, TUNED),
            ("documented", plain, ("--http", "httptools", "--proxy-headers")),
        ):
            name = f"Kwik 1.13.0, {how}"
            try:
                token = _said("kwik", "kwik_projects.py", environ)
                with _peer("kwik", "kwik_projects:create", environ, ("--factory", *options)) as peer:
                    header = f"Authorization: Bearer {token}"
                    goals = {"get": 40, "20": 40, "100": 40}
                    for pair in _reads("PostgreSQL", tenants, name, peer, "/api/v1/projects/", goals, header):
                        yield _figure(replace(pair, goal="G8"), ours, peer)
            except (RuntimeError, OSError) as error:
                yield Figure(goal="G8", what=f"PostgreSQL: ÷ {name}", note=last_line(str(error)))


def _reads(
    storage: str, tenants: Tenants, name: str, peer: Server, root: str, goals: Mapping[str, int], *headers: str
) -> Iterator[Pair]:
    """One and many, and the goal of each; theirs must have as many to show as ours."""
    key = f"X-API-Key: {tenants.key}"
    first = page_of(_asked(peer, f"{root}?limit=1", *headers))[0][0]["id"]
    get = _case(f"/v1/projects/{tenants.project}", key), _case(f"{root}{first}", *headers)
    yield Pair("G7", f"{storage}: get one ÷ {name}", *get, at_least(goals["get"]))
    for size in ("20", "100"):
        pages = _case(f"/v1/projects?limit={size}", key), _case(f"{root}?limit={size}", *headers)
        yield Pair("G6", f"{storage}: list {size}, exact count ÷ {name}", *pages, at_least(goals[size]))


def _figure(pair: Pair, ours: Server, theirs: Server) -> Figure:
    """Raises RuntimeError if they do not answer alike."""
    if "limit=" in pair.ours.path:
        alike(awoken(ours, pair.ours), awoken(theirs, pair.theirs))
    rates = paired(ROUNDS, lambda: awake(theirs, pair.theirs), lambda: awake(ours, pair.ours))
    note = f"{max(rate for rate, _ in rates):.0f}/s against {max(by for _, by in rates):.0f} at best"
    ratios = [rate / by for rate, by in rates]
    return Figure(goal=pair.goal, what=pair.what, rounds=ratios, target=pair.target, note=note)


def awoken(server: Server, case: Case) -> dict[str, Any]:
    server.wake()
    try:
        return _asked(server, case.path, *case.headers)
    finally:
        server.sleep()


def _asked(server: Server, path: str, *headers: str) -> dict[str, Any]:
    request = urllib.request.Request(server.url + path, headers=dict(header.split(": ", 1) for header in headers))
    server.wake()
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def alike(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    (one, total), (other, counted) = page_of(ours), page_of(theirs)
    if (len(one), total) != (len(other), counted):
        raise RuntimeError(f"{len(one)} of {total} against {len(other)} of {counted}: nothing to compare")


def page_of(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The rows and the total of a page, whatever the rows are called. Raises RuntimeError if it counts nothing."""
    rows = [value for value in answer.values() if isinstance(value, list)]
    if len(rows) != 1 or not isinstance(answer.get("total"), int):
        raise RuntimeError(f"no page with a total: {sorted(answer)}")
    return rows[0], answer["total"]


def _case(path: str, *headers: str, script_args: tuple[str, ...] = ()) -> Case:
    return Case("", "", path, headers, script_args, seconds=SECONDS)


@contextmanager
def _peer(name: str, app: str, environ: Mapping[str, str], options: tuple[str, ...]) -> Iterator[Server]:
    port = free_port()
    command = [str(python_of(name)), "-m", "uvicorn", app, "--app-dir", str(PEERS), "--port", str(port), *options]
    server = Server(command, environ, port, CORES[:1])
    try:
        server.wait_until_listening()
        server.sleep()
        yield server
    finally:
        server.end()


def _said(name: str, script: str, environ: Mapping[str, str]) -> str:
    """The last line of what the peer's *script* prints. Raises RuntimeError with its last words."""
    command = [str(python_of(name)), str(PEERS / script)]
    done = subprocess.run(command, env={**os.environ, **environ}, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script}: {last_line(done.stderr)}")
    return last_line(done.stdout)


@contextmanager
def _database(url: str | None, suffix: str) -> Iterator[str | None]:
    """A database beside ours that has our name with *suffix*; none where ours is a file."""
    if url is None:
        yield None
        return
    name = url.rpartition("/")[2] + suffix
    asyncio.run(_execute(url, f"CREATE DATABASE {name}"))
    try:
        yield url + suffix
    finally:
        asyncio.run(_execute(url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=3)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
