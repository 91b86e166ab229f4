"""What our own code costs, in microseconds, without a network: the cases take turns within each round."""

import asyncio
import gc
import logging
import os
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import uvloop
from litestar import Litestar, get

from adapters.memory.limits import MemoryRateLimiter
from adapters.redis import RedisRateLimiter
from app.composition import Ports, assemble, connect, counted
from app.http.application import Exposure, create_app
from app.http.cookies import CookieJar
from app.http.me import CallerView
from app.logs import JsonLines, Masking
from app.settings import Secret, load
from benchmarks.figures import Figure, at_most
from benchmarks.servers import redis
from benchmarks.service import Tenants, sqlite_service
from benchmarks.unleased import unleased
from domain.model.access import KeyGrant
from domain.model.ids import KeyId
from domain.model.limits import policy

ROUNDS, CALLS, GRANTS = 60, 200, 2000
AT_ONCE = 32
Work = Callable[[], Awaitable[object]]
Scope = MutableMapping[str, Any]


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        yield from uvloop.run(_measured(tenants))
    try:
        with redis() as url:
            yield from uvloop.run(_on_redis(url))
    except FileNotFoundError:
        yield Figure(goal="G13", what="one hit of the limiter on Redis", note="redis-server is not installed")


async def _on_redis(url: str) -> list[Figure]:
    """This thread's own time: what the server and the way there take is spent by others."""
    limiter, limits = RedisRateLimiter(url, timeout=5), (policy("999999999/day"),)

    async def at_once() -> None:
        await asyncio.gather(*(limiter.hit(f"key:{number}", limits) for number in range(AT_ONCE)))

    costs = await _costs(alone=lambda: limiter.hit("key:1", limits), at_once=at_once)
    await limiter.close()
    shared = [cost / AT_ONCE for cost in costs["at_once"]]
    return [
        Figure(goal="G13", what="one hit of the limiter on Redis", rounds=costs["alone"], unit="µs"),
        Figure(goal="G13", what=f"one of {AT_ONCE} at once", rounds=shared, unit="µs"),
    ]


async def _measured(tenants: Tenants) -> list[Figure]:
    settings = load(tenants.environ)
    ports = connect(settings)
    reading = unleased(settings, connect(settings))
    services = assemble(ports)
    presented = ports.key_secrets.read(tenants.key)
    if presented is None or (grant := await ports.directory.find_key(presented.key_id)) is None:
        raise RuntimeError("the key that was made is not known")
    await services.background.start()  # what keeps the lease
    limiter, limits = MemoryRateLimiter(), (policy("999999999/day"),)
    key, token = (b"x-api-key", tenants.key.encode()), (b"authorization", f"Bearer {tenants.token}".encode())
    cookie = (b"cookie", f"{CookieJar(https=False).session_name}={tenants.cookie}".encode())
    known = create_app(services)
    writing = create_app(services, Exposure(log_requests="all"))
    refusing = create_app(services, Exposure(log_requests="refused"))
    _write_nowhere("hexkey.requests")
    counting = create_app(assemble(counted(ports)), Exposure(metrics_token=Secret(tenants.token)))

    async def proof() -> object:
        return (read := ports.key_secrets.read(tenants.key)) and ports.key_secrets.find_match(read, grant.key.secrets)

    async def claims() -> object:
        return ports.access_tokens.read(tenants.token)

    costs = await _costs(
        plain=through(Litestar([plain], openapi_config=None, logging_config=None), "/plain"),
        held=through(known, "/v1/whoami", key),
        writing=through(writing, "/v1/whoami", key),
        refusing=through(refusing, "/v1/whoami", key),
        counting=through(counting, "/v1/whoami", key),
        token=through(known, "/v1/whoami", token),
        cookie=through(known, "/v1/whoami", cookie),
        read=through(create_app(assemble(reading)), "/v1/whoami", key),
        hit=lambda: ports.directory.find_key(presented.key_id),
        grant=lambda: reading.directory.find_key(presented.key_id),
        limit=lambda: limiter.hit("key:1", limits),
        proof=proof,
        claims=claims,
    )
    await services.background.stop()
    size = await _bytes_of_grants(ports, grant)
    await reading.close()
    around, on_top = _difference(costs, "held", "plain"), _difference(costs, "read", "held")
    return [
        Figure(goal="G14", what="ours around a handler, the key known", rounds=around, unit="µs", target=at_most(45)),
        Figure(goal="", what="the same, an access token", rounds=_difference(costs, "token", "plain"), unit="µs"),
        Figure(goal="", what="the same, a cookie", rounds=_difference(costs, "cookie", "plain"), unit="µs"),
        Figure(goal="", what="on top, counted for /metrics", rounds=_difference(costs, "counting", "held"), unit="µs"),
        Figure(goal="", what="on top, only refusals written", rounds=_difference(costs, "refusing", "held"), unit="µs"),
        Figure(goal="", what="on top, a line of JSON written", rounds=_difference(costs, "writing", "held"), unit="µs"),
        Figure(goal="G2", what="on top, the directory read from SQLite", rounds=on_top, unit="µs"),
        Figure(goal="", what="of it the reading itself", rounds=costs["grant"], unit="µs"),
        Figure(goal="G1", what="a grant found that is known", rounds=costs["hit"], unit="µs"),
        Figure(goal="G13", what="one hit of the limiter in memory", rounds=costs["limit"], unit="µs"),
        Figure(goal="G1", what="an API key read and proved", rounds=costs["proof"], unit="µs"),
        Figure(goal="G4", what="an access token read that was proved before", rounds=costs["claims"], unit="µs"),
        Figure(goal="", what="a bare Litestar route", rounds=costs["plain"], unit="µs"),
        Figure(goal="G16", what="memory of a grant that is known", rounds=[size], unit="KiB", target=at_most(1.5)),
    ]  # fmt: skip


def _write_nowhere(logger: str) -> None:
    """As in production, but for the disk."""
    handler = logging.StreamHandler(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as we live
    handler.addFilter(Masking())
    handler.setFormatter(JsonLines())
    log = logging.getLogger(logger)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


async def _bytes_of_grants(ports: Ports, like: KeyGrant) -> float:
    """Of one of so many keys that were each read from the database, in KiB."""
    key_ids = [KeyId(ports.ids.new()) for _ in range(GRANTS)]
    async with ports.uow() as work:
        for key_id in key_ids:
            await work.keys.add(replace(like.key, id=key_id), live_at_most=GRANTS + 99, now=like.key.created_at)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for key_id in key_ids:
        await ports.directory.find_key(key_id)
    gc.collect()
    size = (tracemalloc.get_traced_memory()[0] - before) / GRANTS / 1024
    tracemalloc.stop()
    return size


async def _costs(**works: Work) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, work in works.items():
            cost = await _timed(work)
            if turn:  # the first warms up
                costs[name].append(cost)
    return costs


async def _timed(work: Work) -> float:
    start = time.thread_time()  # of this thread alone: neighbours do not count
    for _ in range(CALLS):
        await work()
    return (time.thread_time() - start) / CALLS * 1e6


def _difference(costs: dict[str, list[float]], case: str, reference: str) -> list[float]:
    return [ours - theirs for ours, theirs in zip(costs[case], costs[reference], strict=True)]


@get("/plain")
async def plain() -> CallerView:
    return CallerView(kind="key", user_id=None, key_id=None, session_id=None, permissions=(), scopes=())


def through(app: Litestar, path: str, *fields: tuple[bytes, bytes]) -> Work:
    """One request to *app*, as a server would make it. Raises RuntimeError for any answer but 200."""
    headers = [(b"host", b"127.0.0.1"), (b"user-agent", b"bench"), (b"accept", b"*/*"), *fields]

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"{path} answers {message['status']}")

    async def work() -> None:
        scope: Any = scope_of(path, headers)
        await app(scope, receive, send)

    return work


def scope_of(path: str, headers: list[tuple[bytes, bytes]], method: str = "GET") -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }
