"""The head of an answer is what uvicorn would write, to the byte; and it refuses what uvicorn refuses."""

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.heads import head_of, send
from app.http.answers import EVERY_TIME, Field
from app.http.views import JSON

DATE = (b"date", b"Tue, 24 Nov 2026 20:00:00 GMT")
USUAL: list[Field] = [JSON, (b"content-length", b"2"), (b"content-length", b"1"), (b"x-request-id", b"x"), *EVERY_TIME]
UNUSUAL: list[Field] = [
    (b"connection", b"close"),
    (b"Connection", b"keep-alive, Close"),
    (b"transfer-encoding", b"chunked"),
    (b"Content-Type", b"text/plain"),
    (b"set-cookie", b"a=b; Path=/"),
    (b"set-cookie", b"c=\xff"),
    (b"x-split", b"a\r\nb: c"),
    (b"x-nul", b"a\0"),
    (b"x-tab", b"a\tb"),
    (b"x space", b"a"),
    (b"x:colon", b"a"),
    (b"", b"a"),
    (b"x-empty", b""),
]
fields = st.lists(
    st.sampled_from([*USUAL, *UNUSUAL]) | st.tuples(st.binary(max_size=8), st.binary(max_size=20)), max_size=12
)


class Socket(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.written.append(b"closed")


def cycle_on(socket: Socket, *, method: str = "GET", keep_alive: bool = True) -> RequestResponseCycle:
    return RequestResponseCycle(
        scope={"method": method},  # type: ignore[typeddict-item]  # no more of it is asked for
        transport=socket,
        flow=FlowControl(socket),
        logger=logging.getLogger("uvicorn.error"),
        access_logger=logging.getLogger("uvicorn.access"),
        access_log=False,
        default_headers=[DATE],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def told(by_us: bool, messages: list[Any], **more: Any) -> tuple[bytes, str]:
    """All that was written for *messages*, and what the last of them was refused with."""
    socket = Socket()
    cycle = cycle_on(socket, **more)
    answer = partial(send, cycle) if by_us else cycle.send

    async def tell() -> str:
        try:
            for message in messages:
                await answer(message)
        except RuntimeError as error:
            return str(error)
        return f"{cycle.response_complete} {cycle.keep_alive}"

    return asyncio.run(tell()), b"".join(socket.written)  # type: ignore[return-value]


def messages_of(status: int, headers: list[Field], *bodies: bytes) -> list[Any]:
    parts = [{"type": "http.response.body", "body": body, "more_body": True} for body in bodies[:-1]]
    last = {"type": "http.response.body", "body": bodies[-1]}
    return [{"type": "http.response.start", "status": status, "headers": headers}, *parts, last]


@given(
    st.sampled_from([200, 201, 204, 304, 404, 500]),
    fields,
    st.sampled_from([(b"{}",), (b"{", b"}"), (b"",), (b"{}!",)]),
    st.sampled_from(["GET", "HEAD"]),
    st.booleans(),
)
def test_an_answer_is_written_as_uvicorn_writes_it(
    status: int, headers: list[Field], bodies: tuple[bytes, ...], method: str, keep_alive: bool
) -> None:
    messages = messages_of(status, headers, *bodies)
    ours = told(True, messages, method=method, keep_alive=keep_alive)
    assert ours == told(False, messages, method=method, keep_alive=keep_alive)


@pytest.mark.parametrize("field", USUAL)
def test_what_is_usual_is_written_by_us(field: Field) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2"), field]}
    assert head_of(message, [DATE]) is not None


@pytest.mark.parametrize("field", [UNUSUAL[place] for place in (0, 1, 2, 3, 6, 7, 9, 10)])
def test_what_is_not_is_left_to_uvicorn(field: Field) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2"), field]}
    assert head_of(message, [DATE]) is None


def test_without_a_length_uvicorn_decides_how_a_body_ends() -> None:
    assert head_of({"type": "http.response.start", "status": 200, "headers": [JSON]}, [DATE]) is None


def test_what_comes_out_of_turn_is_refused_as_by_uvicorn() -> None:
    start, body = messages_of(200, [(b"content-length", b"2")], b"{}")
    for messages in ([body], [start, start], [start, body, body], [start, body, start]):
        assert told(True, messages) == told(False, messages)
