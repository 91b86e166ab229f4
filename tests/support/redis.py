"""A Redis that a test may fill, and servers of its own that it may stop.

``HEXKEY_TEST_REDIS`` is the address of a Redis in which keys may be made. Without one its tests are skipped, unless
``HEXKEY_TEST_REQUIRE`` names ``redis``: then they fail.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.support.databases import REQUIRED
from tests.support.process import free_port

SERVER = os.environ.get("HEXKEY_TEST_REDIS", "redis://127.0.0.1:6379")


@asynccontextmanager
async def calling(url: str = SERVER) -> AsyncIterator[Any]:
    """A client of the Redis at *url*."""
    client = Redis.from_url(url, protocol=2, socket_timeout=5, decode_responses=True)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        await client.aclose()
        if "redis" in REQUIRED:
            raise
        pytest.skip(f"no Redis answers at {urlsplit(url).netloc}: {error}")
    try:
        yield client
    finally:
        await client.aclose()


class OwnRedis:
    """Keeps nothing over its end. *options* are those of ``redis-server``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.socket = folder / "redis.sock"
        self._command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir",
                         str(folder), "--unixsocket", str(self.socket), "--logfile", "redis.log", *options]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._listens():
            assert self._process.poll() is None, "redis-server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def pause(self) -> None:
        """From now on it takes connections and answers nobody."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def own_redis(folder: Path, *options: str) -> Iterator[OwnRedis]:
    if shutil.which("redis-server") is None:
        if "redis" in REQUIRED:
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    server = OwnRedis(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
