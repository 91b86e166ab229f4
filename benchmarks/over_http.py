"""The routes under load, each round between two rounds of the bare route."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import asyncpg

from app.http.cookies import CookieJar
from benchmarks.figures import Figure, Target, at_least, paired
from benchmarks.servers import CONNECTIONS, CORES, HERE, Server, hexkey, load, redis, reference
from benchmarks.service import Tenants, postgres_service, sqlite_service

ROUNDS, SECONDS = 5, 2
MEMBERS = 150
"""Whose projects the creates are: no owner may have more than a thousand."""
AIOSQLITE = "aiosqlite==0.22.1"
POST = str(HERE / "post.lua")
Storage = Callable[[int], AbstractContextManager[Tenants]]


@dataclass(frozen=True, slots=True)
class Case:
    goal: str
    what: str
    path: str
    headers: tuple[str, ...] = ()
    script_args: tuple[str, ...] = ()
    target: Target | None = None
    seconds: int = SECONDS
    connections: int = CONNECTIONS

    def run(self, server: Server) -> float:
        headers = [part for header in self.headers for part in ("-H", header)]
        script = ["-s", POST] if self.script_args else []
        options = (*headers, *script, f"-c{self.connections}")
        return load(server, self.path, self.seconds, *options, script_args=self.script_args)


def figures() -> Iterator[Figure]:
    yield from _on("SQLite", sqlite_service, miss=0.50, create=8)
    try:
        yield from _on("PostgreSQL", postgres_service, miss=0.33, create=6)
    except (OSError, asyncpg.PostgresError) as error:
        yield Figure(goal="G2", what="everything on PostgreSQL", note=f"no server: {error}")
    yield _limits_on_redis()
    yield _two_workers()


def _on(storage: str, service: Storage, *, miss: float, create: float) -> Iterator[Figure]:
    with service(MEMBERS) as tenants, hexkey(tenants.environ) as ours:
        ours.sleep()
        with reference("benchmarks.bare:create") as bare:
            bare.sleep()
            for case in _cases(tenants):
                yield _figure(case, storage, ours, bare)
            with reference("benchmarks.unleased:create", tenants.environ, "/health/ready") as reading:
                reading.sleep()
                yield _figure(_miss(tenants, miss), storage, reading, bare)
        yield _creates(storage, tenants, ours, at_least(create))


def _cases(tenants: Tenants) -> list[Case]:
    key, token = (f"X-API-Key: {tenants.key}",), (f"Authorization: Bearer {tenants.token}",)
    cookie = (f"Cookie: {CookieJar(https=False).session_name}={tenants.cookie}",)
    question = f'{{"api_key":"{tenants.key}","permissions":["projects:read"]}}'
    verify = (keys_file(tenants, "caller", (tenants.key,)), question)
    return [
        Case("G1", "behind a key, known ÷ bare", "/v1/whoami", key, target=at_least(0.85)),
        Case("G4", "behind an access token, known ÷ bare", "/v1/whoami", token, target=at_least(0.80)),
        Case("G4", "behind a cookie, known ÷ bare", "/v1/whoami", cookie, target=at_least(0.80)),
        Case("G3", "verify, known ÷ bare", "/v1/api-keys/verify", (), verify, at_least(0.60)),
        Case("G7", "get one project ÷ bare", f"/v1/projects/{tenants.project}", key),
        Case("G6", "list 100 projects, exact count ÷ bare", "/v1/projects?limit=100", key),
    ]  # fmt: skip


def _miss(tenants: Tenants, target: float) -> Case:
    what, key = "behind a key, directory read each time ÷ bare", (f"X-API-Key: {tenants.key}",)
    return Case("G2", what, "/v1/whoami", key, target=at_least(target))


def _figure(case: Case, storage: str, ours: Server, bare: Server) -> Figure:
    rates = paired(ROUNDS, lambda: awake(bare, Case("", "", "/")), lambda: awake(ours, case))
    note = f"{max(rate for rate, _ in rates):.0f}/s at best"
    ratios = [rate / by for rate, by in rates]
    return Figure(goal=case.goal, what=f"{storage}: {case.what}", rounds=ratios, target=case.target, note=note)


def _creates(storage: str, tenants: Tenants, ours: Server, target: Target) -> Figure:
    what = f"{storage}: create ÷ an ORM session per request"
    try:
        environ = _orm_environ(tenants)
    except subprocess.CalledProcessError as error:
        return Figure(goal="G9", what=what, target=target, note=f"{AIOSQLITE} cannot be installed: {error}")
    body = '{"name":"%s"}'
    owned = Case("G9", what, "/v1/projects", (), (keys_file(tenants, "members", tenants.members), body))
    plain = Case("", "", "/", (), (keys_file(tenants, "nobody", ("-",)), body))
    with reference("benchmarks.orm:create", environ) as orm:
        orm.sleep()
        rates = paired(ROUNDS, lambda: awake(orm, plain), lambda: awake(ours, owned))
    note = f"{max(rate for rate, _ in rates):.0f}/s at best"
    return Figure(goal="G9", what=what, rounds=[rate / by for rate, by in rates], target=target, note=note)


def awake(server: Server, case: Case) -> float:
    server.wake()
    try:
        return case.run(server)
    finally:
        server.sleep()


def keys_file(tenants: Tenants, name: str, keys: tuple[str, ...]) -> str:
    path = tenants.directory / f"{name}.keys"
    path.write_text("".join(f"{key}\n" for key in keys))
    return str(path)


def _orm_environ(tenants: Tenants) -> dict[str, str]:
    """aiosqlite is the peer's, not ours: it lives in a folder of its own."""
    folder = HERE / ".envs" / "orm"
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), AIOSQLITE]
        subprocess.run(pip, check=True)
    file = f"sqlite+aiosqlite:///{tenants.directory / 'orm.db'}"
    url = tenants.environ.get("HEXKEY_DATABASE_URL", file).replace("postgresql://", "postgresql+asyncpg://", 1)
    return {"PYTHONPATH": str(folder), "BENCH_ORM_URL": url}


def _limits_on_redis() -> Figure:
    what, target = "limits on Redis, behind a key ÷ bare", at_least(0.25)
    try:
        with redis() as url, sqlite_service() as tenants, hexkey({**tenants.environ, "HEXKEY_REDIS_URL": url}) as ours:
            ours.sleep()
            with reference("benchmarks.bare:create") as bare:
                bare.sleep()
                case = Case("G13", what, "/v1/whoami", (f"X-API-Key: {tenants.key}",), target=target)
                return _figure(case, "SQLite", ours, bare)
    except FileNotFoundError:
        return Figure(goal="G13", what=f"SQLite: {what}", target=target, note="redis-server is not installed")


def _two_workers() -> Figure:
    what, target = "SQLite: behind a key, 2 workers ÷ 1", at_least(1.8)
    if len(CORES) < 4:
        note = f"two workers, the load and this script need 4 cores, here are {len(CORES)}"
        return Figure(goal="G15", what=what, target=target, note=note)
    with sqlite_service() as tenants:
        case = Case("G15", what, "/v1/whoami", (f"X-API-Key: {tenants.key}",))
        with hexkey(tenants.environ, cores=CORES[:1]) as one, hexkey(tenants.environ, 2, cores=CORES[:2]) as two:
            rates = paired(ROUNDS, lambda: case.run(one), lambda: case.run(two))
    return Figure(goal="G15", what=what, rounds=[rate / by for rate, by in rates], target=target)
