"""How soon the service is there, and what it holds when nobody asks it anything."""

import subprocess
import time
from collections.abc import Iterator

from benchmarks.figures import Figure, at_most
from benchmarks.servers import HEXKEY, answers, hexkey
from benchmarks.service import sqlite_service

ROUNDS = 5


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        seconds, megabytes = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            with hexkey(tenants.environ) as server:
                seconds.append(time.perf_counter() - start)
                megabytes.append(server.megabytes() if answers(server.url) else 0)
    yield Figure(goal="G17", what="hexkey run to first answer", rounds=seconds, unit="s", target=at_most(1.5))
    helps = [_help() for _ in range(ROUNDS)]
    yield Figure(goal="G17", what="hexkey --help", rounds=helps, unit="s", target=at_most(0.4))
    yield Figure(goal="G16", what="memory of a worker, idle", rounds=megabytes, unit="MiB", target=at_most(80))


def _help() -> float:
    start = time.perf_counter()
    subprocess.run([HEXKEY, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
