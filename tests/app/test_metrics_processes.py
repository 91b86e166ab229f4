"""Two real workers, of whom either tells what both have counted."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.shared_figures import PERIOD
from tests.app.test_metrics import TOKEN, Found, of, samples
from tests.support.process import Installation, Server

CALLS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "tmp").mkdir()
    installed = Installation(folder, {"HEXKEY_METRICS_TOKEN": TOKEN, "TMPDIR": str(folder / "tmp")})
    installed.migrate()
    with installed.server(workers=2) as started:
        yield started
        assert started.stop() == 0, started.said
    assert list((folder / "tmp").iterdir()) == []


def told(server: Server) -> Found:
    """By a line of its own, so that now one worker is asked and now the other."""
    answer = httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def calls(found: Found) -> float:
    return of(found, "hexkey_http_request_seconds_count", method="GET", route="/health/live")


def call(server: Server, times: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: httpx.get(f"{server.url}/health/live", timeout=10).status_code, range(times))
        assert set(answers) == {200}


def test_either_tells_the_sum_over_both(server: Server) -> None:
    before = calls(told(server))
    call(server, CALLS)
    time.sleep(2 * PERIOD)
    for _ in range(8):
        found = told(server)
        assert calls(found) - before == CALLS
        assert of(found, "hexkey_workers") == 2
        assert 0 <= of(found, "hexkey_lease_age_seconds") < 1
        assert 0 < of(found, "hexkey_tail_lag_seconds") < 1
        assert of(found, "hexkey_sql_connections", pool="work", state="limit") == 2


def test_what_was_counted_never_falls_though_workers_are_killed(server: Server) -> None:
    call(server, CALLS)
    time.sleep(2 * PERIOD)
    seen = [calls(told(server))]
    for _ in range(3):
        os.kill(server.workers()[0], signal.SIGKILL)
        end = time.monotonic() + 3 * PERIOD
        while time.monotonic() < end:
            try:
                seen.append(calls(told(server)))
            except httpx.TransportError:  # that line was the dead one's
                continue
    assert seen == sorted(seen)
    assert of(told(server), "hexkey_workers") == 2
    (folder,) = (Path(server.folder) / "tmp").iterdir()
    assert len(list(folder.glob("*.told"))) <= 3
