"""A server on the first of our cores, the load on the last, and one server awake at a time."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CORES = sorted(os.sched_getaffinity(0))
HERE = Path(__file__).parent
HEXKEY = str(Path(sys.executable).with_name("hexkey"))
CONNECTIONS = 64
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")
_OPTIONS = "--http app.server:PatientProtocol --ws none --no-proxy-headers --no-server-header --no-access-log"


def wrk_is_missing() -> str | None:
    """What to do about it."""
    return None if shutil.which("wrk") else "wrk is missing: install the Debian package wrk (apt-get install wrk)"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def spawn(
    command: list[str], environ: Mapping[str, str], said: IO[bytes] | int, cores: Iterable[int]
) -> subprocess.Popen[bytes]:
    """*command* on *cores* alone: a child inherits where it may run. What it has to say goes to *said*."""
    with pinned(cores):
        return subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=said)


@contextmanager
def pinned(cores: Iterable[int]) -> Iterator[None]:
    """This process runs on *cores* alone."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


class Server:
    """A process that answers at *port*. Asleep it is stopped by signal: it holds memory and no core."""

    def __init__(self, command: list[str], environ: Mapping[str, str], port: int, cores: Iterable[int]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process; a pipe would fill up
        self._process = spawn(command, environ, self._said, cores)
        self.pid = self._process.pid
        self._port = port
        self.url = f"http://127.0.0.1:{port}"

    def wait_until_ready(self, path: str, seconds: float = 20) -> None:
        self._wait_until(lambda: answers(self.url + path), seconds)

    def wait_until_listening(self, seconds: float = 20) -> None:
        """For one that has no route which answers anybody; uvicorn listens once the application has started."""
        self._wait_until(lambda: listens(self._port), seconds)

    def _wait_until(self, is_there: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_there():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"a server did not start: {self._last_words()}")
            time.sleep(0.005)

    def sleep(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def rest(self, tick: float = 0.1) -> None:
        """Wait until what is left of the load is done."""
        before = -1.0
        while (spent := self._seconds_of_core()) - before > 0.02 * tick + 0.011:
            before = spent
            time.sleep(tick)

    def megabytes(self) -> float:
        """Resident, in MiB."""
        return self._status("VmRSS")

    def megabytes_at_most(self) -> float:
        """Resident when it was most, so far, in MiB."""
        return self._status("VmHWM")

    def end(self) -> None:
        self.wake()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

    def _seconds_of_core(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _last_words(self) -> str:
        self._said.seek(0)
        return self._said.read().decode()[-2000:]


def answers(url: str) -> bool:
    """Whether somebody is there and content."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status < 400)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def hexkey(environ: Mapping[str, str], workers: int = 1, cores: Iterable[int] = CORES[:1]) -> Iterator[Server]:
    port = free_port()
    command = [HEXKEY, "run", "--port", str(port), "--workers", str(workers)]
    server = Server(command, {**environ, "HEXKEY_LOG_LEVEL": "warning"}, port, cores)
    try:
        server.wait_until_ready("/health/ready")
        yield server
    finally:
        server.end()


@contextmanager
def reference(factory: str, environ: Mapping[str, str] | None = None, ready: str = "/") -> Iterator[Server]:
    """A peer under the options of ``hexkey run``; *ready* is where it answers once it is."""
    port, root = free_port(), HERE.parent
    options = ["--factory", "--port", str(port), "--log-level", "warning", *_OPTIONS.split()]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"), (environ or {}).get("PYTHONPATH"))))
    command = [sys.executable, "-m", "uvicorn", factory, *options]
    server = Server(command, {**(environ or {}), "PYTHONPATH": path}, port, CORES[:1])
    try:
        server.wait_until_ready(ready)
        yield server
    finally:
        server.end()


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis that keeps nothing; it shares a core with the load. Raises FileNotFoundError."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = spawn([*command, "--logfile", os.devnull], {}, subprocess.DEVNULL, CORES[-1:])
    try:
        while not listens(port):
            if process.poll() is not None:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.005)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def load(server: Server, path: str, seconds: int, *options: str, script_args: tuple[str, ...] = ()) -> float:
    """Requests a second on 64 connections. Raises RuntimeError if one of them is not answered well."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", *options, server.url + path]
    process = subprocess.Popen(
        ["taskset", "-c", str(CORES[-1]), *command, *(("--", *script_args) if script_args else ())],
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = process.communicate()
    server.rest()
    if process.returncode or _REFUSED.search(said) or (rate := _RATE.search(said)) is None:
        raise RuntimeError(f"{path} was not answered well:\n{said}")
    return float(rate[1])
