"""Callers whose requests reach the workers of one server at the same moment, every worker having one of them.

    with StartingLine(server, 2) as line:
        answers = line.release([Call("POST", "/v1/projects", ada, {"name": "one"})] * 2)
        assert statuses(answers) == [201, 409]

Each request is sent but for its last byte: its headers are read, its credential is judged, its body is awaited. Then
all the last bytes follow one another within microseconds, beginning with another worker each time.
"""

import json
import os
import re
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.support.process import Server

ROUNDS = 100
SETTLING_SECONDS = 0.004
"""For the workers to come to the byte that is missing."""

ATTEMPTS = 400
"""Connections, until every worker has taken one."""


@dataclass(frozen=True)
class Call:
    """What one caller asks; *body* is encoded as JSON."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def encoded(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        own = {"host": "127.0.0.1", "content-length": str(len(content))}
        typed = {"content-type": "application/json"} if content else {}
        lines = [f"{name}: {value}\r\n" for name, value in {**own, **typed, **self.headers}.items()]
        return f"{self.method} {self.path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + content


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def statuses(answers: Iterable[Answer]) -> list[int]:
    """In their order, whoever got which."""
    return sorted(answer.status for answer in answers)


class StartingLine:
    """*callers* connections to *server*, spread over all of its workers; they live while they are used every second."""

    def __init__(self, server: Server, callers: int, *, workers: int = 2) -> None:
        self._server, self._callers, self._workers = server, callers, workers
        self._open = ExitStack()
        self._rounds = 0
        self.lines: list[socket.socket] = []

    def __enter__(self) -> "StartingLine":
        held: dict[int, list[socket.socket]] = {}
        for _ in range(ATTEMPTS):
            if len(held) == self._workers and sum(map(len, held.values())) >= self._callers:
                break
            line = self._open.enter_context(socket.create_connection(("127.0.0.1", self._server.port), timeout=30))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            held.setdefault(worker_of(line, self._server), []).append(line)
        assert len(held) == self._workers, f"of {self._workers} workers only {set(held)} took a connection"
        self.lines = _in_turn(list(held.values()))[: self._callers]
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def release(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers, in the order of *calls*; neighbours among these are at different workers."""
        assert len(calls) <= len(self.lines), "more calls than callers"
        together = [(line, call.encoded()) for line, call in zip(self.lines, calls, strict=False)]
        for line, request in together:
            line.sendall(request[:-1])
        time.sleep(SETTLING_SECONDS)
        first = self._rounds % len(together)
        for line, request in together[first:] + together[:first]:
            line.sendall(request[-1:])
        self._rounds += 1
        return [_answer(line, call) for (line, _), call in zip(together, calls, strict=True)]


def _in_turn(held: Sequence[Sequence[socket.socket]]) -> list[socket.socket]:
    """One of each worker, then a second of each that has a second, and so on."""
    most = max(map(len, held))
    return [lines[place] for place in range(most) for lines in held if place < len(lines)]


def _answer(line: socket.socket, call: Call) -> Answer:
    with HTTPResponse(line, method=call.method) as response:
        response.begin()
        content = response.read()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def worker_of(line: socket.socket, server: Server) -> int:
    """The process that has taken *line*, once one has. Where the kernel does not show it, as if each had its own."""
    here = line.getsockname()[1]
    if not Path("/proc/net/tcp").exists():
        return here
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        held = f"socket:[{_inode(server.port, here)}]"
        for process in _processes(server.process.pid):
            if held in _open_files(process):
                return process
        time.sleep(0.001)
    raise AssertionError(f"no worker took a connection: {server.said}")


def _inode(local: int, remote: int) -> str:
    ends = rf": 0100007F:{local:04X} 0100007F:{remote:04X} (?:\S+ +){{6}}\s*(\d+)"
    found = re.search(ends, Path("/proc/net/tcp").read_text())
    return found[1] if found else ""


def _processes(group: int) -> list[int]:
    numbers = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    return [number for number in numbers if _group_of(number) == group]


def _group_of(process: int) -> int | None:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return None


def _open_files(process: int) -> set[str]:
    folder = f"/proc/{process}/fd"
    found = set()
    for name in os.listdir(folder):
        try:
            found.add(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    return found
