"""A PgBouncer of a test's own, before the PostgreSQL that the tests may fill.

It needs the program, such as Debian's package ``pgbouncer``, and an account that may run it: it refuses to run as root.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.clusters import ACCOUNT
from tests.support.databases import SERVER
from tests.support.process import free_port


class Pooler:
    """It lends *sessions* to all who come, each for a transaction; *options* are lines of its configuration."""

    def __init__(self, program: str, folder: Path, sessions: int, options: tuple[str, ...]) -> None:
        self._program, self._folder, self._port = program, folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        server = urlsplit(SERVER)
        password = f" password={server.password}" if server.password else ""
        lines = (
            "[databases]",
            f"* = host={server.hostname} port={server.port or 5432} user={server.username}{password}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self._port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            f"default_pool_size = {sessions}",
            f"logfile = {folder}/pgbouncer.log",
            *options,
        )
        (folder / "pgbouncer.ini").write_text("\n".join(lines))

    def before(self, address: str) -> str:
        """The *address* of a database, by way of it."""
        server = urlsplit(address)
        return server._replace(netloc=f"{server.username}@127.0.0.1:{self._port}").geturl()

    def start(self) -> None:
        """Returns when it listens."""
        account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": ()} if os.geteuid() == 0 else {}
        command = [self._program, "--quiet", str(self._folder / "pgbouncer.ini")]
        self._process = subprocess.Popen(command, cwd="/", **account)  # type: ignore[call-overload]
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "it does not listen"
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None


@contextmanager
def pooler(*options: str, sessions: int = 2) -> Iterator[Pooler]:
    """One that listens."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer, of the Debian package of that name, is not here")
    with tempfile.TemporaryDirectory(prefix="hexkey-pooler-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, ACCOUNT, ACCOUNT)
        made = Pooler(program, Path(name), sessions, options)
        made.start()
        try:
            yield made
        finally:
            made.kill()
