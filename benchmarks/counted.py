"""``python -m benchmarks.counted``: so many requests of each kind, between two words to Callgrind, under which it runs.

A request goes in as the bytes of a socket and its answer comes out as such: uvicorn's protocol is in it, the kernel and
the load are not. What is known does not age, so that no look at the changes falls into the count.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from adapters.leases import LeasedDirectory
from app.composition import assemble, connect
from app.http.application import create_app
from app.http.cookies import CookieJar
from app.server import PatientProtocol
from app.settings import load
from benchmarks.bare import create as bare
from benchmarks.service import Tenants, sqlite_service
from benchmarks.unleased import unleased
from domain.model.leases import LeaseTerms

NOTHING, WARM, COUNTED = "nothing", 300, 200
HEAD = ("Host: 127.0.0.1:8000", "User-Agent: bench", "Accept: */*")


class Socket(asyncio.Transport):
    """What a protocol writes to; *answered* is called with the head of an answer that is whole: it takes two writes."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self.answered: Callable[[bytes], object] = bytes
        self._head = b""

    def write(self, data: Any) -> None:
        if self._head:
            self._head, head = b"", self._head
            self.answered(head)
        else:
            self._head = data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """The last word of a protocol that has waited for more."""

    def resume_reading(self) -> None:
        """It never paused."""


class Caller:
    """One connection to *app*."""

    def __init__(self, app: Any) -> None:
        config = Config(app, ws="none", proxy_headers=False, server_header=False, access_log=False, log_level="warning")
        self._loop, self._socket = asyncio.get_running_loop(), Socket()
        self._protocol = PatientProtocol(config, ServerState(), {}, self._loop)
        self._protocol.connection_made(self._socket)

    async def call(self, request: bytes, times: int) -> None:
        """Raises RuntimeError for any answer but 200."""
        for _ in range(times):
            answer = self._loop.create_future()
            self._socket.answered = answer.set_result
            self._protocol.data_received(request)
            if b" 200 " not in (head := await answer)[:16]:
                raise RuntimeError(f"not answered well: {head!r}")


def request_of(start: str, *fields: str, body: str = "") -> bytes:
    about = ("Content-Type: application/json", f"Content-Length: {len(body)}") if body else ()
    return "\r\n".join([f"{start} HTTP/1.1", *HEAD, *fields, *about, "", body]).encode()


async def count(tenants: Tenants) -> None:
    settings = load(tenants.environ)
    ports, reading = connect(settings), unleased(settings, connect(settings))
    terms = LeaseTerms(promise=timedelta(minutes=10))  # fifty times slower than it is, it needs patience
    still = LeasedDirectory(reading.directory, ports.changes, clock=ports.clock, terms=terms, boot_time=lambda: 1.0)
    for _ in range(2):  # the first look only learns where to begin
        await still.follow()
    known, read = Caller(create_app(assemble(replace(ports, directory=still)))), Caller(create_app(assemble(reading)))
    key, cookie = f"X-API-Key: {tenants.key}", f"Cookie: {CookieJar(https=False).session_name}={tenants.cookie}"
    question = f'{{"api_key":"{tenants.key}","permissions":["projects:read"]}}'
    whoami = request_of("GET /v1/whoami", key)
    await counted("bare", Caller(bare()), request_of("GET /"))
    await counted("key", known, whoami)
    await counted("token", known, request_of("GET /v1/whoami", f"Authorization: Bearer {tenants.token}"))
    await counted("cookie", known, request_of("GET /v1/whoami", cookie))
    await counted("verify", known, request_of("POST /v1/api-keys/verify", key, body=question))
    await counted("get", known, request_of(f"GET /v1/projects/{tenants.project}", key))
    await counted("read", read, whoami)
    await counted(NOTHING, known, whoami, times=0)
    await reading.close()
    await ports.close()


async def counted(name: str, caller: Caller, request: bytes, times: int = COUNTED) -> None:
    await caller.call(request, WARM)
    tell("--instr=on")
    await caller.call(request, times)
    tell("--instr=off")
    tell(f"--dump={name}")


def tell(word: str) -> None:
    """Callgrind listens while we work, and is deaf while we wait in the kernel."""
    command = ["callgrind_control", word, str(os.getpid())]
    said = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while said.poll() is None:
        time.sleep(0)
    if said.returncode:
        raise RuntimeError(f"callgrind_control {word} ended with {said.returncode}")


if __name__ == "__main__":
    with sqlite_service() as tenants:
        uvloop.run(count(tenants))
