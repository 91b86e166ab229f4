"""How the head of an answer is written: uvicorn's way, with most of its lines ready.

*Why not uvicorn's own.* It searches every name and value for what no field may hold, and most fields of ours are the
same in every answer: that was a tenth of a request behind a key. What is not as plain goes its old way.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE, RequestResponseCycle

from app.http.answers import EVERY_TIME
from app.http.views import JSON

Field = tuple[bytes, bytes]

_LINES = {field: b"%b: %b\r\n" % field for field in (*EVERY_TIME, JSON)}
_VALUE = re.compile(b"[^\x00-\x08\x0a-\x1f\x7f]*+")
_UNUSUAL = frozenset({b"connection", b"transfer-encoding"})
"""They change what the line does next."""


async def send(cycle: RequestResponseCycle, message: Any) -> None:
    """As *cycle* would send it."""
    if cycle.response_started or cycle.disconnected or cycle.access_log or not cycle.keep_alive:
        await cycle.send(message)
        return
    head = head_of(message, cycle.default_headers)
    if head is None or cycle.flow.write_paused:
        await cycle.send(message)
        return
    cycle.response_started, cycle.waiting_for_100_continue = True, False
    content, cycle.expected_content_length = head
    cycle.chunked_encoding = False
    cycle.transport.write(content)


def head_of(message: Any, default: Iterable[Field]) -> tuple[bytes, int] | None:
    """The bytes, and the length of the body to come; None for uvicorn to say, or to refuse."""
    if message["type"] != "http.response.start":
        return None
    lines, length = [STATUS_LINE[message["status"]]], None
    for field in (*default, *message["headers"]):
        line = _LINES.get(field)
        if line is None:
            name, value = field
            if (start := _start_of(name)) is None or not _VALUE.fullmatch(value):
                return None
            if name == b"content-length" and length is None:
                length = int(value)
            line = b"%b%b\r\n" % (start, value)
        lines.append(line)
    if length is None:
        return None
    lines.append(b"\r\n")
    return b"".join(lines), length


@lru_cache(256)
def _start_of(name: bytes) -> bytes | None:
    return None if HEADER_RE.search(name) or name.lower() != name or name in _UNUSUAL else name + b": "
