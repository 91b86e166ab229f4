"""``Prefer: wait`` (RFC 7240): what revokes is answered once no worker decides by what was there before."""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from litestar.types import Message, Send

_SECONDS = re.compile(rb"[0-9]{1,9}")


def prefers_to_wait(headers: Iterable[tuple[bytes, bytes]], bound: timedelta) -> bool:
    """Whether somebody would wait for as long as *bound*: the first ``wait`` counts, one without seconds is enough."""
    lines = b",".join(value for name, value in headers if name == b"prefer")
    for preference in lines.split(b","):
        name, _, value = preference.partition(b";")[0].partition(b"=")
        if name.strip().lower() == b"wait":
            seconds = value.strip().strip(b'"')
            return not seconds or (bool(_SECONDS.fullmatch(seconds)) and int(seconds) >= bound.total_seconds())
    return False


def waiting(send: Send, settle: Callable[[], Awaitable[None]]) -> Send:
    """Let what was done *settle* before it is told; a refusal has nothing to wait for."""

    async def send_settled(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 300:
            await settle()
            message["headers"] = [*message["headers"], (b"preference-applied", b"wait")]
        await send(message)

    return send_settled
