"""What holds for every answer, whatever the route."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath, RequestBody
from litestar.testing import TestClient

from app.http.addresses import Proxies
from app.http.bodies import Input, StrictBody
from app.http.edge import Application, Edge
from app.http.problems import exception_handlers


class Note(Input):
    text: str


@get("/things")
async def things(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"address": request.scope["state"]["address"]}


@post("/things")
async def add_thing(data: RequestBody[Note]) -> dict[str, int]:
    return {"length": len(data.text)}


@get("/things/{thing_id:uuid}")
async def thing(thing_id: FromPath[UUID]) -> str:
    return str(thing_id)


@post("/touch")
async def touch() -> None:
    return None


@get("/own-policy")
async def own_policy() -> Response[str]:
    return Response("", headers={"Content-Security-Policy": "script-src 'self'"})


@get("/secret")
async def secret(request: Request[Any, Any, Any]) -> str:
    request.scope["state"]["no_store"] = True
    return "secret"


@get("/counted")
async def counted(request: Request[Any, Any, Any]) -> str:
    request.scope["state"]["headers"] = ((b"ratelimit", b'"600/minute";r=599;t=60'),)
    return ""


@get("/health/live")
async def live() -> str:
    return "alive"


@get("/broken")
async def broken() -> str:
    raise RuntimeError("secret internals")


HANDLERS = [things, add_thing, thing, touch, own_policy, secret, counted, live, broken]


def application(**options: Any) -> Litestar:
    edge = partial(Edge, new_id=lambda: "made", **{"allowed_hosts": ["testserver.local", "[::1]"], **options})
    return Application(
        HANDLERS,
        edge=edge,
        door=lambda app: app,
        dto=StrictBody,
        exception_handlers=exception_handlers,
        openapi_config=None,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(application()) as client:
        yield client


SECURITY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-request-id": "made",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/things", 200),
        ("HEAD", "/things", 200),
        ("OPTIONS", "/things", 204),
        ("GET", "/nowhere", 404),
        ("DELETE", "/things", 405),
        ("TRACE", "/things", 405),
        ("BREW", "/things", 405),
        ("GET", "/broken", 500),
        ("POST", "/things", 422),
    ],
)
def test_every_answer_carries_the_security_headers_and_a_request_id(
    client: TestClient[Litestar], method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert SECURITY.items() <= dict(answer.headers).items()
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers


def test_https_adds_strict_transport_security() -> None:
    with TestClient(application(https=True)) as client:
        expected = "max-age=31536000; includeSubDomains"
        assert client.get("/things").headers["strict-transport-security"] == expected


def test_a_handler_may_bring_its_own_content_security_policy(client: TestClient[Litestar]) -> None:
    assert client.get("/own-policy").headers.get_list("content-security-policy") == ["script-src 'self'"]


def test_what_the_door_marks_is_not_stored(client: TestClient[Litestar]) -> None:
    assert client.get("/secret").headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/things").headers


def test_what_the_door_has_to_say_stands_beside_the_answer(client: TestClient[Litestar]) -> None:
    assert client.get("/counted").headers["ratelimit"] == '"600/minute";r=599;t=60'


@pytest.mark.parametrize("host", ["testserver.local", "TestServer.local:8000", "[::1]", "[::1]:8000"])
def test_an_allowed_host_is_answered_under_any_port(client: TestClient[Litestar], host: str) -> None:
    assert client.get("/things", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.local.evil", "xtestserver.local", "testserver.local:x", "::1", "", "*"]
)
def test_another_host_is_refused(client: TestClient[Litestar], host: str) -> None:
    answer = client.get("/things", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")


def test_two_hosts_are_refused_even_if_both_are_allowed(client: TestClient[Litestar]) -> None:
    answer = client.get("/things", headers=[("host", "testserver.local"), ("host", "[::1]")])
    assert answer.json()["code"] == "host_not_allowed"


def test_health_answers_under_any_host(client: TestClient[Litestar]) -> None:
    assert client.get("/health/live", headers={"host": "10.0.0.7:8000"}).status_code == 200


def test_a_star_allows_any_host_but_not_none() -> None:
    with TestClient(application(allowed_hosts=["*"])) as client:
        assert client.get("/things", headers={"host": "any.example:1"}).status_code == 200
        assert client.get("/things", headers={"host": ""}).status_code == 400


@pytest.mark.parametrize("sent", ["abc", "A.b_c-9", "x" * 64])
def test_a_good_request_id_comes_back(client: TestClient[Litestar], sent: str) -> None:
    assert client.get("/things", headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", b"a\nb", "é".encode(), "a;b"])
def test_a_bad_request_id_is_replaced(client: TestClient[Litestar], sent: str | bytes) -> None:
    answer = client.get("/nowhere", headers={"x-request-id": sent})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "made"


def test_head_answers_like_get_without_the_body(client: TestClient[Litestar]) -> None:
    whole, head = client.get("/things"), client.head("/things")
    assert head.content == b""
    assert head.headers == whole.headers
    assert int(head.headers["content-length"]) == len(whole.content)


def test_head_of_a_path_without_get_is_not_allowed(client: TestClient[Litestar]) -> None:
    answer = client.head("/touch")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "OPTIONS, POST", b"")


def test_options_names_the_methods_of_the_path(client: TestClient[Litestar]) -> None:
    answer = client.options("/things/")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS, POST", b"")


@pytest.mark.parametrize("path", ["/nowhere", "/things/not-a-uuid"])
def test_options_of_an_absent_path_is_404(client: TestClient[Litestar], path: str) -> None:
    assert client.options(path).status_code == 404


@pytest.mark.parametrize("method", ["TRACE", "BREW", "PUT", "get"])
def test_a_method_the_path_does_not_take_is_405_with_allow(client: TestClient[Litestar], method: str) -> None:
    edge = partial(raw, client.app, method, b"/things")
    status, headers, _ = asyncio.run(edge())
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD, OPTIONS, POST")


def test_a_trailing_slash_answers_like_the_path_without_it(client: TestClient[Litestar]) -> None:
    assert client.get("/things/").content == client.get("/things").content


@pytest.mark.parametrize(
    "path",
    [b"//things", b"/things//", b"/x/../things", b"/./things", b"/things%2F", b"/%2e%2e/things", b"/THINGS",
     b"/things%00", b"/things%0a", b"/things%ff", b"/things%zz", b"/x/%2e/things"],
)  # fmt: skip
async def test_paths_are_matched_as_they_were_sent(path: bytes) -> None:
    assert (await raw(application(), "GET", path))[0] == 404


def test_a_long_url_is_414(client: TestClient[Litestar]) -> None:
    assert client.get("/things?" + "a" * 8200).status_code == 414
    assert client.get("/" + "a" * 8200).status_code == 414


def test_too_many_or_too_long_headers_are_431(client: TestClient[Litestar]) -> None:
    assert client.get("/things", headers={f"x-{n}": "1" for n in range(101)}).status_code == 431
    assert client.get("/things", headers={"x-long": "a" * 33_000}).status_code == 431


def test_a_body_over_one_mebibyte_is_413(client: TestClient[Litestar]) -> None:
    body = b'{"text":"' + b"a" * 2**20 + b'"}'
    answer = client.post("/things", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_body_that_grows_past_one_mebibyte_is_413() -> None:
    chunks = [b"a" * 2**19] * 4
    status, _, _ = await raw(application(), "POST", b"/things", chunks=chunks, chunked=True)
    assert status == 413


async def test_an_announced_flood_is_not_waited_for() -> None:
    status, headers, _ = await raw(application(), "POST", b"/things", chunks=[b"x"], length=10**11, stalls=True)
    assert (status, headers[b"connection"]) == (413, b"close")


async def test_a_body_that_does_not_arrive_is_408_and_closes() -> None:
    slow = application(body_seconds=0.01)
    status, headers, _ = await raw(slow, "POST", b"/things", chunks=[b'{"te'], length=100, stalls=True)
    assert (status, headers[b"connection"]) == (408, b"close")


async def test_a_client_that_leaves_in_the_middle_is_no_failure_of_ours() -> None:
    status, _, _ = await raw(application(), "POST", b"/things", chunks=[b'{"te'], length=100)
    assert status == 400


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_an_encoded_body_is_415(client: TestClient[Litestar], encoding: str) -> None:
    answer = client.post("/things", json={"text": "a"}, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_that_nobody_reads_is_ignored(client: TestClient[Litestar]) -> None:
    answer = client.post("/touch", content=b"\xff" * 100)
    assert answer.status_code == 201
    assert "connection" not in answer.headers


def test_an_unexpected_error_says_nothing_but_its_request_id(
    client: TestClient[Litestar], caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/broken")
    assert (answer.status_code, answer.json()["request_id"]) == (500, "made")
    assert "internals" not in answer.text
    assert [record.__dict__["request_id"] for record in caplog.records if record.name == "hexkey"] == ["made"]


async def test_an_error_outside_the_router_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken_app(*_: Any) -> None:
        raise RuntimeError("secret internals")

    edge = Edge(broken_app, methods_of=lambda _: (), new_id=lambda: "made", allowed_hosts=["*"])
    status, headers, body = await raw(edge, "GET", b"/")
    assert (status, headers[b"content-type"]) == (500, b"application/problem+json")
    assert b"internals" not in body
    assert [record.name for record in caplog.records] == ["hexkey"]


def test_an_allowed_origin_may_read_the_named_headers_and_send_no_cookies() -> None:
    with TestClient(application(cors_origins=["https://app.example"])) as client:
        answer = client.get("/things", headers={"origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert {"etag", "location", "idempotency-replayed", "www-authenticate"} <= set(
            answer.headers["access-control-expose-headers"].lower().split(", ")
        )
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_star_lets_every_page_read_and_ask() -> None:
    with TestClient(application(cors_origins=["*"])) as client:
        answer = client.get("/things", headers={"origin": "https://anything.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "ratelimit" in answer.headers["access-control-expose-headers"].lower()
        assert "access-control-allow-credentials" not in answer.headers
        ask = {"origin": "null", "access-control-request-method": "POST"}
        assert "POST" in client.options("/things", headers=ask).headers["access-control-allow-methods"]


@pytest.mark.parametrize("origin", ["https://app.example.evil", "http://app.example", "null", "https://xapp.example"])
def test_another_origin_is_told_nothing(origin: str) -> None:
    with TestClient(application(cors_origins=["https://app.example"])) as client:
        answer = client.get("/things", headers={"origin": origin})
        assert answer.headers["vary"] == "Origin"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_is_answered_for_an_allowed_origin_only() -> None:
    with TestClient(application(cors_origins=["https://app.example"])) as client:
        ask = {"origin": "https://app.example", "access-control-request-method": "POST"}
        answer = client.options("/things", headers=ask)
        assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS, POST")
        refused = client.options("/things", headers={**ask, "origin": "https://evil.example"})
        assert (refused.status_code, "access-control-allow-methods" in refused.headers) == (204, False)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [b"198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [b"203.0.113.9", b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"198.51.100.1, garbage, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"198.51.100.1:443"], "10.0.0.1"),
        ("10.0.0.1", [b"::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [b"fe80::1%" + b"a" * 1000], "fe80::1"),
        ("10.0.0.1", [b"::ffff:198.51.100.1%eth0"], "198.51.100.1"),
        ("10.0.0.1", [b"198.51.100.1%eth0"], "10.0.0.1"),
        (None, [b"198.51.100.1"], None),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_trusted_proxy(
    peer: str | None, forwarded: list[bytes], client: str | None
) -> None:
    assert Proxies(["10.0.0.0/8"]).client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("peer", "address"),
    [("::ffff:192.0.2.1", b'"192.0.2.1"'), ("fe80::1%eth0", b'"fe80::1"'), ("unix", b"null")],
)
async def test_the_peer_is_told_in_one_form(peer: str, address: bytes) -> None:
    _, _, body = await raw(application(), "GET", b"/things", peer=peer)
    assert address in body


async def raw(
    app: Any,
    method: str,
    path: bytes,
    *,
    query: bytes = b"",
    chunks: list[bytes] | None = None,
    length: int | None = None,
    chunked: bool = False,
    stalls: bool = False,
    peer: str = "192.0.2.1",
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request as a server hands it over, byte for byte; it *stalls* after its chunks, or the client leaves."""
    headers = [(b"host", b"testserver.local"), (b"content-type", b"application/json")]
    headers += [(b"transfer-encoding", b"chunked")] if chunked else []
    headers += [(b"content-length", str(length).encode())] if length is not None else []
    scope = {
        "type": "http", "method": method, "path": unquote(path.decode()), "raw_path": path, "query_string": query,
        "headers": headers, "client": (peer, 1), "server": ("testserver.local", 80), "scheme": "http", "state": {},
        "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    waiting, sent = list(chunks or []), []

    async def receive() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": length is not None or bool(waiting)}
        if stalls:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])
