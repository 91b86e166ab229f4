"""HTTP/1.1 by hand, so that the one who measures costs as little as may be, and the same for every request."""

import json
import random
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

ANYWHERE = {"HEXKEY_TRUSTED_PROXIES": "127.0.0.1/32"}
"""A proxy speaks for addresses of its own choice: so many callers come that no limit of theirs gets in the way."""


_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """*seconds* from the request's last byte to the answer's."""

    status: int
    seconds: float


class Line:
    """One connection that stays."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> Answer:
        start = time.perf_counter()
        self.send(request)
        head = self.receive()
        return Answer(status_of(head), time.perf_counter() - start)

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def receive(self) -> bytes:
        """The head of the next answer, once all of it is there."""
        text = b""
        while not _is_whole(text):
            text += self._more()
        return text.partition(_END)[0]

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def _more(self) -> bytes:
        if not (read := self._socket.recv(65536)):
            raise ConnectionError("the server has closed the line")
        return read


def status_of(head: bytes) -> int:
    return int(head[9:12])


def _is_whole(text: bytes) -> bool:
    """An answer without a body has, but for 204, one chunk of no length."""
    head, ended, body = text.partition(_END)
    if not ended or field_of(head, b"transfer-encoding"):
        return body.endswith(b"0" + _END)
    return len(body) >= int(field_of(head, b"content-length") or 0)


def field_of(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(name + b":"):
            return line.partition(b":")[2].strip()
    return None


def get(path: str, fields: dict[str, str]) -> bytes:
    return _request(f"GET {path}", fields)


def post(path: str, **members: Any) -> bytes:
    """JSON, from an address that nobody had before."""
    return _from_somewhere(path, "application/json", json.dumps(members))


def post_form(path: str, **fields: str) -> bytes:
    return _from_somewhere(path, "application/x-www-form-urlencoded", urlencode(fields))


def _from_somewhere(path: str, kind: str, body: str) -> bytes:
    address = f"2001:db8:{random.getrandbits(16):x}:{random.getrandbits(16):x}::1"
    fields = {"content-type": kind, "content-length": str(len(body)), "x-forwarded-for": address}
    return _request(f"POST {path}", fields) + body.encode()


def _request(line: str, fields: dict[str, str]) -> bytes:
    told = {"host": "127.0.0.1", "user-agent": "bench", "accept": "*/*", **fields}
    return "\r\n".join([f"{line} HTTP/1.1", *(f"{name}: {text}" for name, text in told.items()), "\r\n"]).encode()
