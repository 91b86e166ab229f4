"""A server that is killed has lost nothing that it acknowledged."""

import threading
from pathlib import Path

import httpx
import pytest

from tests.support.process import Server, installation

KILLS = 2
WRITES = 160
"""Acknowledged before each kill."""


class Writers:
    """Threads that make projects until nobody answers; *acknowledged* is what they were told exists."""

    def __init__(self, server: Server, credential: dict[str, str], label: str) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.enough = threading.Event()
        arguments = [(server.url, credential, f"{label}.{number}") for number in range(4)]
        self._threads = [threading.Thread(target=self._write, args=argument) for argument in arguments]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _write(self, url: str, credential: dict[str, str], label: str) -> None:
        with httpx.Client(base_url=url, headers=credential, timeout=10) as client:
            for number in range(10_000):
                try:
                    answer = client.post("/v1/projects", json={"name": f"{label}.{number}"})
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json()["id"])
                else:
                    self.refused.append(answer.status_code)
                if len(self.acknowledged) >= WRITES:
                    self.enough.set()


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_every_acknowledged_write_outlives_sigkill(tmp_path: Path, storage: str) -> None:
    acknowledged: list[str] = []
    with installation(tmp_path, storage) as installed:
        installed.migrate()
        for kill in range(KILLS):
            with installed.server(workers=2) as server:
                writers = Writers(server, server.signed_in(f"writer{kill}@example.org"), str(kill))
                assert writers.enough.wait(30), server.said
                server.kill()
                writers.join()
                assert writers.refused == []
                acknowledged += writers.acknowledged
        with installed.server() as server:
            writers_of = (server.signed_in(f"writer{kill}@example.org") for kill in range(KILLS))
            kept = {identity for credential in writers_of for identity in server.project_ids(credential)}
    assert len(acknowledged) >= KILLS * WRITES
    assert set(acknowledged) <= kept
