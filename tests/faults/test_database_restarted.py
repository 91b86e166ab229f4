"""PostgreSQL is restarted, crashes, freezes or turns out to be a replica, under the load of two workers: who is refused
is told to come back, nobody who was revoked comes in, and what was acknowledged is there.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, cycle
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.composition import connect
from app.settings import load
from domain.errors import Unavailable
from domain.model.leases import LeaseTerms
from tests.support.clusters import Cluster, Mode, cluster
from tests.support.process import OFF, Installation, Server
from tests.support.service import Robot, Service, refusal

BOUND = LeaseTerms().promise.total_seconds()
AWAY, FROZEN = 0.5, 1.0
"""For how many seconds more than the bound."""
KEYS = 12
_NUMBERS = count()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


@pytest.fixture(scope="module")
def installed(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation(tmp_path_factory.mktemp("restarted"), {"HEXKEY_DATABASE_URL": postgres.url})
    made.migrate()
    return made


@pytest.fixture(scope="module")
def server(installed: Installation) -> Iterator[Server]:
    with installed.server(workers=2) as started:
        yield started


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer; *key* is the number of the one that was presented, if one was."""

    began: float
    ended: float
    status: int
    retry_after: str
    key: int | None


@dataclass
class Load:
    """Threads that use one key, revoke others one by one while they are used, and make projects, without a pause."""

    server: Server
    person: dict[str, str]
    used: dict[str, str] = field(init=False)
    keys: list[tuple[str, dict[str, str]]] = field(init=False)
    seen: list[Seen] = field(default_factory=list)
    receipts: dict[int, float] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._failures: list[Exception] = []
        made = [self._made(number) for number in range(KEYS + 1)]
        (_, self.used), self.keys = made[0], made[1:]

    def _made(self, number: int) -> tuple[str, dict[str, str]]:
        asked = {"name": f"robot {number}", "scopes": ["read"]}
        made = httpx.post(f"{self.server.url}/v1/api-keys", headers=self.person, json=asked, timeout=10).json()
        return made["key"]["id"], {"x-api-key": made["api_key"]}

    @contextmanager
    def running(self) -> Iterator[None]:
        kinds = (self._use, self._use, self._use_revoked, self._use_revoked, self._revoke, self._write)
        threads = [threading.Thread(target=self._guarded, args=[work]) for work in kinds]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join(30)
        assert self._failures == []

    def _guarded(self, work: Callable[[httpx.Client], None]) -> None:
        try:
            with httpx.Client(base_url=self.server.url, timeout=20) as client:
                work(client)
        except Exception as failure:
            self._failures.append(failure)

    def _use(self, client: httpx.Client) -> None:
        while not self._over.wait(0.005):
            self._ask(client, "GET", "/v1/whoami", self.used)

    def _use_revoked(self, client: httpx.Client) -> None:
        for number in cycle(range(KEYS)):
            if self._over.wait(0.005):
                return
            self._ask(client, "GET", "/v1/whoami", self.keys[number][1], key=number)

    def _revoke(self, client: httpx.Client) -> None:
        for number, (key_id, _) in enumerate(self.keys):
            while (answer := self._ask(client, "POST", f"/v1/api-keys/{key_id}/revoke", self.person)).is_error:
                if self._over.wait(0.02):
                    return
            self.receipts[number] = datetime.fromisoformat(answer.json()["effective_at"]).timestamp()
            self._over.wait(0.08)

    def _write(self, client: httpx.Client) -> None:
        number = 0
        while not self._over.wait(0.01):
            number += 1
            answer = self._ask(client, "POST", "/v1/projects", self.person, json={"name": f"project {number}"})
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["id"])

    def _ask(
        self, client: httpx.Client, method: str, path: str, who: dict[str, str], key: int | None = None, **body: object
    ) -> httpx.Response:
        began = time.time()
        answer = client.request(method, path, headers=who, **body)  # type: ignore[arg-type]
        retry_after = answer.headers.get("retry-after", "")
        self.seen.append(Seen(began, time.time(), answer.status_code, retry_after, key))
        return answer


@pytest.fixture
def under_load(server: Server) -> Load:
    return Load(server, server.signed_in(f"person{next(_NUMBERS)}@example.org"))


def require_recovery(server: Server, credential: dict[str, str]) -> None:
    """Of both workers, by requests alone."""
    began, in_a_row = time.monotonic(), 0
    anew = httpx.Limits(max_keepalive_connections=0)  # each request may reach another worker
    with httpx.Client(base_url=server.url, headers=credential, limits=anew, timeout=10) as client:
        while in_a_row < 12:
            assert time.monotonic() - began < 10, server.said
            in_a_row = in_a_row + 1 if client.get("/v1/whoami").status_code == 200 else 0


def require_honest(load: Load, *, gone: float, back: float) -> None:
    """*gone* and *back* are when the database was last and again there."""
    assert {seen.status for seen in load.seen} == {200, 201, 401, 503}, load.server.said
    assert [seen for seen in load.seen if seen.status == 503 and not int(seen.retry_after) >= 1] == []
    meanwhile = [seen for seen in load.seen if seen.began > gone + BOUND and seen.ended < back]
    assert {seen.status for seen in meanwhile} == {503}
    assert len(load.receipts) > 0
    late = [seen for seen in load.seen if seen.status == 200 and seen.began >= load.receipts.get(seen.key, seen.ended)]
    assert late == []
    assert load.acknowledged
    assert set(load.acknowledged) <= set(load.server.project_ids(load.person))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_loses_nothing_and_lets_nobody_in(postgres: Cluster, under_load: Load, mode: Mode) -> None:
    with under_load.running():
        time.sleep(0.5)
        postgres.stop(mode)
        gone = time.time()
        time.sleep(BOUND + AWAY)
        back = time.time()
        postgres.start()
        require_recovery(under_load.server, under_load.used)
        time.sleep(0.7)
    require_honest(under_load, gone=gone, back=back)


def test_nobody_is_accepted_by_a_database_that_is_frozen(postgres: Cluster, under_load: Load) -> None:
    with under_load.running():
        time.sleep(0.5)
        postgres.freeze()
        gone = time.time()
        time.sleep(BOUND + FROZEN)
        back = time.time()
        postgres.thaw()
        require_recovery(under_load.server, under_load.used)
        time.sleep(0.7)
    require_honest(under_load, gone=gone, back=back)


@pytest.fixture
def replica(postgres: Cluster, installed: Installation) -> Iterator[Cluster]:
    """Of a database that is migrated."""
    assert installed.settings["HEXKEY_DATABASE_URL"] == postgres.url
    made = postgres.replica()
    made.start()
    yield made
    made.end()


@asynccontextmanager
async def service_over(installed: Installation, url: str) -> AsyncIterator[Service]:
    service = Service(connect(load({**OFF, "HEXKEY_DATA_DIR": str(installed.folder), "HEXKEY_DATABASE_URL": url})))
    try:
        yield service
    finally:
        await service.services.close()


async def test_a_replica_serves_nobody_until_it_is_the_primary(
    postgres: Cluster, replica: Cluster, installed: Installation
) -> None:
    async with service_over(installed, postgres.url) as service:
        robot = await (await service.user("eve@example.org")).key()
    async with service_over(installed, replica.url) as service:
        known = service.anyone.saying(x_api_key=robot.secret)
        await until(lambda: knows(replica, robot))
        with pytest.raises(Unavailable):
            await service.services.start()
        assert refusal(await known.get("/v1/whoami")) == (503, "unavailable")
        await asyncio.to_thread(replica.promote)
        await service.services.start()
        assert (await known.get("/v1/whoami")).status_code == 200


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    """Within five seconds."""
    began = time.monotonic()
    while not await happens():
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.02)


async def knows(replica: Cluster, robot: Robot) -> bool:
    connection = await asyncpg.connect(replica.url, timeout=5)
    try:
        assert await connection.fetchval("SELECT pg_is_in_recovery()")
        return bool(await connection.fetchval("SELECT count(*) FROM api_keys WHERE id = $1", UUID(robot.id)))
    finally:
        await connection.close()


def test_a_worker_that_comes_while_the_database_is_away_serves_when_it_is_back(
    postgres: Cluster, tmp_path: Path
) -> None:
    """Its supervisor would end the others if it did not start."""
    installed = Installation(tmp_path, {"HEXKEY_DATABASE_URL": postgres.url})
    installed.migrate()
    with installed.server(workers=2) as server:
        person = server.signed_in(f"person{next(_NUMBERS)}@example.org")
        postgres.stop("fast")
        [first, _] = server.workers()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: first not in server.workers() and len(server.workers()) == 2)
        wait_for(lambda: "not ready yet" in server.said)
        assert httpx.get(f"{server.url}/health/live").status_code == 200
        postgres.start()
        require_recovery(server, person)
        assert server.process.poll() is None


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
