"""Real processes: the installed ``hexkey`` command, and servers that listen, each with a folder of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

import httpx
from advanced_alchemy.alembic.commands import AlembicCommands

from adapters.sql import migration_config
from tests.support.databases import create_postgres, drop_postgres

HEXKEY = Path(sys.executable).with_name("hexkey")
START_SECONDS = 30.0
PASSWORD = "correct horse battery staple"
OFF = {f"HEXKEY_RATE_LIMIT_{name}": "off" for name in ("DEFAULT", "ANONYMOUS", "SIGN_IN")}


@dataclass(frozen=True)
class Installation:
    """A data directory and the settings that go with it."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        around = {name: value for name, value in os.environ.items() if not name.startswith("HEXKEY_")}
        return {**around, "HEXKEY_DATA_DIR": str(self.folder), **OFF, **self.settings}

    def begin(self, *arguments: str, **streams: object) -> "subprocess.Popen[str]":
        command = [str(HEXKEY), *arguments]
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # streams are files or constants
            command, env=self.environment, text=True, start_new_session=True, cwd=self.folder, **streams
        )

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """The command to its end, within 30 seconds."""
        with self.begin(*arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
            out, err = process.communicate(stdin, timeout=30)
            return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def migrate(self) -> None:
        """What ``hexkey database upgrade`` does, without the second that a process takes to start."""
        AlembicCommands(migration_config(self.settings.get("HEXKEY_DATABASE_URL", self.folder / "hexkey.db"))).upgrade()

    @contextmanager
    def server(self, *, workers: int = 1, port: int | None = None) -> Iterator["Server"]:
        """Ready when the block begins, gone when it ends; its streams stay in files beside the data."""
        port = port or free_port()
        with (self.folder / "out.log").open("a") as out, (self.folder / "err.log").open("a") as err:
            process = self.begin("run", "--port", str(port), "--workers", str(workers), stdout=out, stderr=err)
            server = Server(process, port, self.folder)
            try:
                server.wait_until_ready()
                yield server
            finally:
                server.kill()


@dataclass(frozen=True)
class Server:
    process: "subprocess.Popen[str]"
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """Everything it wrote, on both streams."""
        return (self.folder / "out.log").read_text() + (self.folder / "err.log").read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=1).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"not ready after {START_SECONDS} s: {self.said}")

    def workers(self) -> list[int]:
        """The ids of those processes of it that serve, where there are several."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = []
        for child in children:
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
        return found

    def stop(self) -> int:
        """SIGTERM to the one that was started, as a supervisor does; its exit status."""
        self.process.terminate()
        return self.process.wait(15)

    def kill(self) -> None:
        """SIGKILL to all of its processes at once; the same when it is said again."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)

    def signed_in(self, email: str = "ada@example.org") -> dict[str, str]:
        """The header of somebody who registers, or is there already, and signs in."""
        httpx.post(f"{self.url}/v1/auth/register", json={"email": email, "password": PASSWORD}, timeout=10)
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        tokens = httpx.post(f"{self.url}/v1/auth/token", data=form, timeout=10)
        assert tokens.status_code == 200, tokens.text
        return {"authorization": f"Bearer {tokens.json()['access_token']}"}

    def project_ids(self, credential: dict[str, str]) -> list[str]:
        """Of every project of one owner, read back page by page."""
        found: list[str] = []
        with httpx.Client(base_url=self.url, headers=credential, timeout=10) as client:
            while True:
                page = client.get(f"/v1/projects?limit=200&offset={len(found)}").json()
                found += [project["id"] for project in page["data"]]
                if len(found) >= page["total"]:
                    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def installation(folder: Path, storage: str, **settings: str) -> Iterator[Installation]:
    """Over an empty database of its own: ``sqlite`` or ``postgres``."""
    if storage == "sqlite":
        yield Installation(folder, settings)
        return
    address = asyncio.run(create_postgres())
    try:
        yield Installation(folder, {"HEXKEY_DATABASE_URL": address, **settings})
    finally:
        asyncio.run(drop_postgres(address))
