"""PostgreSQL servers of a test's own, which it may restart, freeze and copy, on ports of their own.

They need the programs of the server, such as Debian's in ``/usr/lib/postgresql``, and an account that may run them: it
refuses to run as root. Without them its tests are skipped, unless ``HEXKEY_TEST_REQUIRE`` names ``postgres``.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest

from tests.support.databases import REQUIRED
from tests.support.process import free_port

ACCOUNT = "postgres"
Mode = Literal["fast", "immediate"]
_SETTINGS = {"listen_addresses": "127.0.0.1", "fsync": "off", "shared_buffers": "32MB", "max_connections": "120"}
"""A process that is killed leaves what it has written to the machine: only the machine's own end asks for fsync."""


class Cluster:
    """What lies in *folder*, and the server over it, which listens when `start` returns."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder, self._port = programs, folder, free_port()
        self.url = f"postgresql://{ACCOUNT}@127.0.0.1:{self._port}/postgres"

    def initialise(self) -> None:
        options = ("--auth=trust", "--no-sync", "--no-instructions", "--locale=C.UTF-8", "--encoding=UTF8")
        self._run("initdb", "--pgdata", str(self._folder), "--username", ACCOUNT, *options)

    def start(self) -> None:
        settings = {**_SETTINGS, "port": str(self._port), "unix_socket_directories": str(self._folder.parent)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._control("start", "--options", options, "--log", str(self._folder.with_suffix(".log")))

    def stop(self, mode: Mode) -> None:
        """``fast`` says goodbye to everybody; ``immediate`` is a crash, and it recovers when it starts."""
        self._control("stop", "--mode", mode)

    def promote(self) -> None:
        self._control("promote")

    def replica(self) -> "Cluster":
        """Another, that follows this one once it runs, and can be read."""
        made = Cluster(self._programs, self._folder.with_name("replica"))
        options = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
        self._run("pg_basebackup", "--dbname", self.url, "--pgdata", str(made._folder), *options)
        return made

    def freeze(self) -> None:
        """Every one of its processes: they keep their lines, and answer nobody."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        with suppress(FileNotFoundError):
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """To the first of them before the others, so that it starts none meanwhile."""
        first = int((self._folder / "postmaster.pid").read_text().split()[0])
        with suppress(ProcessLookupError):
            os.kill(first, number)
        for child in _children(first):
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--wait", "--silent", "--pgdata", str(self._folder), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        """Its words go to a file: the server would keep a pipe open."""
        command = [str(self._programs / program), *arguments]
        said = self._folder.parent / f"{program}.log"
        with said.open("w") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, timeout=60, cwd="/", **_account())
        assert done.returncode == 0, said.read_text()


def _children(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _account() -> dict[str, object]:
    return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": ()} if os.geteuid() == 0 else {}


def _programs() -> Path:
    """The newest there are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    if found:
        return found[-1].parent
    if (program := shutil.which("initdb")) is None:
        _unable("the programs of a PostgreSQL server are not installed")
    return Path(program).resolve().parent


def _unable(reason: str) -> None:
    if "postgres" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that runs; its folder, with all that is copied beside it, is gone when the block ends."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="hexkey-cluster-"))
    try:
        if os.geteuid() == 0:
            try:
                account = pwd.getpwnam(ACCOUNT)
            except KeyError:
                _unable(f"there is no account {ACCOUNT}, and PostgreSQL does not run as root")
            os.chown(folder, account.pw_uid, account.pw_gid)
        made = Cluster(programs, folder / "primary")
        made.initialise()
        made.start()
        try:
            yield made
        finally:
            made.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
