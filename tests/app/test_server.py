"""Clients who take their time: headers come within it, or the line closes."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from app import server as patient
from app.composition import assemble
from app.http.application import create_app
from tests.support.ports import memory_ports

SECONDS = 0.2
LIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[uvicorn.Server]:
    monkeypatch.setattr(patient, "HEADER_SECONDS", SECONDS)
    app = create_app(assemble(memory_ports()))
    http: dict[str, Any] = {"http": patient.PatientProtocol, "ws": "none", "proxy_headers": False}
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", **http)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.005)
    yield server
    server.should_exit = True
    await serving


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    number: int = server.servers[0].sockets[0].getsockname()[1]
    return number


async def ended_after(port: int, *parts: bytes) -> tuple[float, bytes]:
    """Send *parts* one after the other; when the line closed, in seconds, and what came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = asyncio.get_running_loop().time()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.02)
    answer = b""
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):  # that is how a line ends on which something is unread
            answer = await reader.read()
    writer.close()
    return asyncio.get_running_loop().time() - began, answer


def problem_in(answer: bytes) -> tuple[int, str]:
    """Status and code of a raw answer, proved to be a whole problem with every header that all answers have."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    problem = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == problem["request_id"] != ""
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert {"content-security-policy", "x-content-type-options", "referrer-policy"} <= headers.keys()
    assert status.split()[1] == str(problem["status"])
    return problem["status"], problem["code"]


async def test_who_says_nothing_is_told_nothing(port: int) -> None:
    seconds, answer = await ended_after(port)
    assert (SECONDS * 0.9 <= seconds < SECONDS + 1, answer) == (True, b"")


@pytest.mark.parametrize("parts", [(b"GET / HT",), (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n")])
async def test_half_sent_headers_are_not_waited_for(port: int, parts: tuple[bytes, ...]) -> None:
    seconds, answer = await ended_after(port, *parts)
    assert SECONDS * 0.9 <= seconds < SECONDS + 1
    assert problem_in(answer) == (408, "headers_too_slow")


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_as_a_problem(port: int, request_: bytes) -> None:
    seconds, answer = await ended_after(port, request_)
    assert problem_in(answer) == (400, "malformed_request")
    assert seconds < SECONDS


@pytest.mark.parametrize("method", [b"BREW", b"get", b"GETS", b"X-Y.Z"])
async def test_a_method_that_nobody_knows_is_405(port: int, method: bytes) -> None:
    _, answer = await ended_after(port, method + b" /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert problem_in(answer) == (405, "method_not_allowed")
    assert b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in answer


async def test_a_body_that_breaks_its_framing_is_refused_once(port: int, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /v1/auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    _, answer = await ended_after(port, head + b"Transfer-Encoding: chunked\r\n\r\n", b'5\r\n{"a":', b"nonsense\r\n")
    assert problem_in(answer) == (400, "malformed_request")
    assert [record.levelname for record in caplog.records if record.levelno > logging.WARNING] == []


async def test_what_follows_a_refusal_is_not_read(port: int) -> None:
    health = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    _, answer = await ended_after(port, b"GARBAGE\r\n\r\n", health)
    assert problem_in(answer) == (400, "malformed_request")


async def test_a_request_that_was_whole_is_answered_whatever_follows_it(port: int) -> None:
    health = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    seconds, answer = await ended_after(port, health + b"GARBAGE\r\n\r\n")
    assert (answer[:12], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 200", 1)
    assert seconds < SECONDS


async def test_a_drop_every_now_and_then_buys_no_time(port: int) -> None:
    seconds, _ = await ended_after(port, b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 8)
    assert seconds < SECONDS + 1


async def test_headers_without_end_are_cut_off_however_quick(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEADER_SECONDS", 60)
    _, answer = await ended_after(port, b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, b"X-A: b\r\n" * 10_000)
    assert problem_in(answer) == (431, "headers_too_large")


async def test_whole_headers_are_answered_and_the_second_request_has_its_own_time(port: int) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for pause in (0, SECONDS * 1.5):
        await asyncio.sleep(pause)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
    writer.write(request[:20])
    async with asyncio.timeout(5):
        assert problem_in(await reader.read()) == (408, "headers_too_slow")
    writer.close()


async def test_who_has_just_come_when_it_ends_is_answered_and_then_the_line_closes(
    server: uvicorn.Server, port: int
) -> None:
    for parts in ((LIVE,), (LIVE[:20], LIVE[20:])):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        *begun, rest = parts
        writer.writelines(begun)
        await asyncio.sleep(0.05)
        for connection in list(server.server_state.connections):
            connection.shutdown()  # type: ignore[union-attr]  # as the server does when it ends
        await asyncio.sleep(0.02)
        writer.write(rest)
        async with asyncio.timeout(patient.LAST_SECONDS / 2):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer
        writer.close()


async def test_who_has_come_and_asks_for_nothing_does_not_hold_up_the_end(server: uvicorn.Server, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.05)
    for connection in list(server.server_state.connections):
        connection.shutdown()  # type: ignore[union-attr]
    async with asyncio.timeout(patient.LAST_SECONDS + 0.5):
        assert await reader.read() == b""
    writer.close()
