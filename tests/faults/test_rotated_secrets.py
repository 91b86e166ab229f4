"""The root secrets are rotated, as the settings guide says, under the load of people and keys: nobody is refused."""

import os
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support.process import PASSWORD, START_SECONDS, Installation, Server

LOADS = 2


@dataclass
class Load:
    """Threads that present one key, and sign in, each request over a line of its own."""

    server: Server
    key: str
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        self._over = threading.Event()
        threads = [threading.Thread(target=work) for work in (self._present, self._sign_in) for _ in range(LOADS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _present(self) -> None:
        while not self._over.is_set():
            self._ask("GET", "/v1/whoami", headers={"x-api-key": self.key})

    def _sign_in(self) -> None:
        form = {"grant_type": "password", "username": "ada@example.org", "password": PASSWORD}
        while not self._over.is_set():
            token = self._ask("POST", "/v1/auth/token", data=form).get("access_token", "")
            self._ask("GET", "/v1/me", headers={"authorization": f"Bearer {token}"})

    def _ask(self, method: str, path: str, **content: object) -> dict[str, str]:
        began = time.monotonic()
        try:
            answer = httpx.request(method, f"{self.server.url}{path}", timeout=20, **content)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self.answers[f"{path}: {error!r}"] += 1
            return {}
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[f"{path}: {answer.status_code}"] += 1
        body: dict[str, str] = answer.json()
        return body


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file of the root secrets."""
    file = tmp_path / "root-secrets"
    file.touch(0o600)
    return file


def restarted(server: Server) -> None:
    """Every worker gives way to a new one."""
    before = set(server.workers())
    os.kill(server.process.pid, signal.SIGHUP)
    deadline = time.monotonic() + 2 * START_SECONDS
    while set(server.workers()) & before or len(server.workers()) < len(before):
        assert time.monotonic() < deadline, server.said
        time.sleep(0.05)


def test_no_request_is_refused_while_the_root_secrets_are_rotated(tmp_path: Path, kept: Path) -> None:
    old, new = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    kept.write_text(f"{old}\n")
    installed = Installation(tmp_path, {"HEXKEY_SECRETS_FILE": str(kept)})
    installed.migrate()
    with installed.server(workers=2) as server:
        ada = server.signed_in()
        made = httpx.post(f"{server.url}/v1/api-keys", json={"name": "robot", "scopes": ["read"]}, headers=ada)
        load = Load(server, made.json()["api_key"])
        with load.running():
            for root_secrets in (f"{old}\n{new}\n", f"{new}\n{old}\n", f"{new}\n{old}\n", f"{new}\n"):
                kept.write_text(root_secrets)
                restarted(server)
                time.sleep(1)
        assert {answer.rpartition(": ")[2] for answer in load.answers} == {"200"}, load.answers
        assert min(load.answers.values()) > 20, load.answers
        assert load.slowest < 3
        assert httpx.get(f"{server.url}/v1/me", headers=ada).status_code == 401  # what the old one signed
