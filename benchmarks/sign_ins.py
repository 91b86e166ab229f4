"""G12: eight sign-ins at once, through the whole application, beside raw Argon2 on the same cores.

All of them are of one user, on a device that is known: that many of a stranger's would have to wait for each other.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import uvloop
from argon2.low_level import Type, hash_secret_raw

from adapters.security.passwords import Cost
from adapters.security.pool import cores
from app.composition import assemble, connect
from app.http.application import create_app
from app.http.cookies import DEVICE
from app.settings import load
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.in_process import scope_of
from benchmarks.service import EMAIL, GENEROUS, PASSWORD, Tenants, sqlite_service
from domain.model.actors import NOWHERE

AT_ONCE, ROUNDS, SECONDS, TICK = 8, 5, 3.0, 0.002
BODY = urlencode({"grant_type": "password", "username": EMAIL, "password": PASSWORD}).encode()


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        rounds = uvloop.run(_rounds(tenants))
    lags, ratios = [lag for lag, _ in rounds], [ratio for _, ratio in rounds]
    yield Figure(goal="G12", what="loop lag p99, 8 sign-ins at once", rounds=lags, unit="ms", target=at_most(5))
    yield Figure(goal="G12", what="sign-ins ÷ raw argon2", rounds=ratios, target=at_least(0.85))


async def _rounds(tenants: Tenants) -> list[tuple[float, float]]:
    """Milliseconds of lag, and the ratio of rates."""
    services = assemble(connect(load({**tenants.environ, "HEXKEY_RATE_LIMIT_ANONYMOUS": GENEROUS})))
    app: Any = create_app(services)
    device = (await services.sign_in.for_tokens(EMAIL, PASSWORD, NOWHERE)).device
    rounds, before = [], _raw_rate()
    for _ in range(ROUNDS):
        rate, lag = await _signing_in(app, device)
        after = _raw_rate()
        rounds.append((lag, rate / ((before + after) / 2)))
        before = after
    await services.close()
    return rounds


async def _signing_in(app: Any, device: str) -> tuple[float, float]:
    lags: list[float] = []
    ticking = asyncio.create_task(_tick(lags))
    start = time.perf_counter()
    counts = await asyncio.gather(*(_one_after_another(app, device, start + SECONDS) for _ in range(AT_ONCE)))
    rate = sum(counts) / (time.perf_counter() - start)
    ticking.cancel()
    return rate, sorted(lags)[len(lags) * 99 // 100] * 1000


async def _tick(lags: list[float]) -> None:
    """How much later than asked for the loop comes back."""
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        lags.append(time.perf_counter() - due)


async def _one_after_another(app: Any, device: str, until: float) -> int:
    count = 0
    while time.perf_counter() < until:
        await _sign_in(app, device)
        count += 1
    return count


async def _sign_in(app: Any, device: str) -> None:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(BODY)).encode()),
        (b"cookie", f"{DEVICE}={device}".encode()),
    ]

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"a sign-in answers {message['status']}")

    await app(scope_of("/v1/auth/token", headers, "POST"), receive, send)


def _raw_rate() -> float:
    """Hashes a second in as many threads as there are cores."""
    cost, salt, secret = Cost(), os.urandom(16), PASSWORD.encode()

    def work(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            hash_secret_raw(secret, salt, cost.passes, cost.memory_kib, cost.lanes, 32, Type.ID)
            count += 1
        return count

    start = time.perf_counter()
    with ThreadPoolExecutor(cores()) as threads:
        counts = list(threads.map(work, [start + SECONDS] * cores()))
    return sum(counts) / (time.perf_counter() - start)
