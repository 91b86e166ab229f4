"""A body is what its type says, or it is refused with the rule that it breaks."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, patch, post
from litestar.params import RequestBody
from litestar.testing import TestClient
from msgspec import UNSET, UnsetType

from app.http.bodies import Form, Input, Moment, Patch, StrictBody
from app.http.errors import MalformedRequest
from app.http.forms import form_of, query_of
from app.http.problems import exception_handlers, grant_handlers
from app.http.strict_json import parse_json
from domain.errors import Invalid

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


class NewKey(Input, kw_only=True):
    name: Annotated[str, msgspec.Meta(max_length=8)]
    limits: list[Annotated[str, msgspec.Meta(pattern="^[0-9]+/minute$")]] = []
    count: int = 0
    live: bool = True
    expires_at: Moment | None = None


class Rename(Patch):
    name: str | UnsetType = UNSET
    note: str | UnsetType | None = UNSET


class Rotation(Input):
    grace: str = "0s"


class Token(Form):
    grant_type: str
    username: str = ""


@post("/keys")
async def create(data: RequestBody[NewKey]) -> dict[str, Any]:
    return msgspec.to_builtins(data)  # type: ignore[no-any-return]


@patch("/keys")
async def rename(data: RequestBody[Rename]) -> dict[str, Any]:
    return msgspec.to_builtins(data)  # type: ignore[no-any-return]


@post("/rotate")
async def rotate(data: RequestBody[Rotation | None] = None) -> dict[str, str]:
    return {"grace": (data or Rotation()).grace}


@post("/token", exception_handlers=grant_handlers)
async def token(data: RequestBody[Token]) -> dict[str, str]:
    return {"grant_type": data.grant_type, "username": data.username}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(
        [create, rename, rotate, token], dto=StrictBody, exception_handlers=exception_handlers, openapi_config=None
    )
    with TestClient(app) as client:
        yield client


def sends(client: TestClient[Litestar], body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = client.post("/keys", content=body, headers=JSON if headers is None else headers)
    return answer.status_code, answer.json()


def test_a_good_body_arrives_as_its_struct(client: TestClient[Litestar]) -> None:
    status, key = sends(client, '{"name": "ключ 🔑", "expires_at": "2030-01-01T00:00:00Z"}'.encode())
    assert (status, key["name"], key["expires_at"]) == (201, "ключ 🔑", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"name": "a", "name": "b"}', "twice"),
        (b'{"name": "a", "metadata": [{"x": 1, "x": 1}]}', "twice"),
        (b'{"name": "\\u0000"}', "NUL"),
        (b'{"\\u0000": "a"}', "NUL"),
        (b'{"name": ["\\u0000"]}', "NUL"),
        (b'{"name": "\x00"}', "not valid JSON"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"name": NaN}', "NaN"),
        (b'{"name": -Infinity}', "NaN"),
        (b'{"name": 1e999}', "double precision"),
        (b'{"name": 9223372036854775808}', "64 bits"),
        (b'{"name": 1' + b"0" * 5000 + b"}", "64 bits"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "\xed\xa0\x80"}', "not UTF-8"),
        (b"  ", "not valid JSON"),
        (b"{'name': 1}", "not valid JSON"),
        (b'{"name": "a"} {}', "not valid JSON"),
        (b'{"name": "a",}', "not valid JSON"),
        (b"[" * 65 + b"]" * 65, "64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "64 levels"),
        (b"[" * 500_000, "64 levels"),
    ],
)
def test_malformed_json_is_400_and_names_the_rule(client: TestClient[Litestar], body: bytes, rule: str) -> None:
    status, problem = sends(client, body)
    assert (status, problem["code"]) == (400, "malformed_request")
    assert rule in problem["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (b"{}", "/name", "is required"),
        (b"[]", "", "expected object, got array"),
        (b"null", "", "expected object, got null"),
        (b'{"name": 1}', "/name", "expected str, got int"),
        (b'{"name": "too long, this"}', "/name", "expected str of length <= 8"),
        (b'{"name": "a", "hk_secret": 1}', "", "has a member that is not known here"),
        (b'{"name": "a", "limits": ["9/minute", "x"]}', "/limits/1", "expected str matching regex '^[0-9]+/minute$'"),
        (b'{"name": "a", "count": "1"}', "/count", "expected int, got str"),
        (b'{"name": "a", "count": 1.0}', "/count", "expected int, got float"),
        (b'{"name": "a", "live": "true"}', "/live", "expected bool, got str"),
        (b'{"name": "a", "live": 1}', "/live", "expected bool, got int"),
        (b'{"name": "a", "expires_at": 0.0}', "/expires_at", "expected datetime | null, got float"),
        (
            b'{"name": "a", "expires_at": "2030-01-01T00:00:00"}',
            "/expires_at",
            "expected datetime with a timezone component",
        ),
        (b'{"name": "a", "expires_at": "hk_secret"}', "/expires_at", "invalid RFC3339 encoded datetime"),
    ],
)  # fmt: skip
def test_wrong_input_is_422_with_a_pointer(
    client: TestClient[Litestar], body: bytes, pointer: str, detail: str
) -> None:
    status, problem = sends(client, body)
    assert (status, problem["code"], problem["errors"]) == (
        422, "invalid_input", [{"pointer": pointer, "detail": detail}],
    )  # fmt: skip
    assert "hk_secret" not in str(problem)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonx"},
        {"content-type": ""},
        {"content-type": "multipart/form-data; boundary=x"},
        FORM,
        {},
    ],
)
def test_a_body_of_another_type_is_415(client: TestClient[Litestar], headers: dict[str, str]) -> None:
    status, problem = sends(client, b'{"name": "a"}', headers)
    assert (status, problem["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("type_", ["application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'])
def test_utf8_may_be_named(client: TestClient[Litestar], type_: str) -> None:
    assert sends(client, b'{"name": "a"}', {"content-type": type_})[0] == 201


def test_a_missing_body_is_422_and_needs_no_type(client: TestClient[Litestar]) -> None:
    status, problem = sends(client, b"", {})
    assert (status, problem["errors"]) == (422, [{"pointer": "", "detail": "a body is required"}])


def test_a_body_may_be_optional(client: TestClient[Litestar]) -> None:
    assert client.post("/rotate").json() == {"grace": "0s"}
    assert client.post("/rotate", json={"grace": "1h"}).json() == {"grace": "1h"}


def test_a_patch_tells_absent_from_null(client: TestClient[Litestar]) -> None:
    assert client.patch("/keys", json={"note": None}).json() == {"note": None}
    assert client.patch("/keys", json={"name": "a"}).json() == {"name": "a"}


def test_an_empty_patch_is_422(client: TestClient[Litestar]) -> None:
    answer = client.patch("/keys", json={})
    assert (answer.status_code, answer.json()["detail"]) == (422, "names nothing to change")


def test_a_form_is_read_by_its_type(client: TestClient[Litestar]) -> None:
    answer = client.post("/token", content=b"grant_type=password&username=a%2Bb+c%C3%A9&scope=x", headers=FORM)
    assert answer.json() == {"grant_type": "password", "username": "a+b cé"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"username=a",
        b"grant_type=",
        b"grant_type",
        b"grant_type=&grant_type=password",
        b"grant_type=a&grant_type=a",
        b"grant_type=%00",
        b"grant_type=%ff",
        b"grant_type=%g0",
    ],
)
def test_a_bad_form_is_oauths_invalid_request(client: TestClient[Litestar], body: bytes) -> None:
    answer = client.post("/token", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert set(answer.json()) == {"error", "error_description"}


def test_json_on_a_form_route_is_a_problem_of_its_type(client: TestClient[Litestar]) -> None:
    answer = client.post("/token", json={"grant_type": "password"})
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")


ALLOWED = frozenset({"limit", "name"})


def test_a_query_is_read_by_name() -> None:
    assert query_of({"query_string": b"limit=5&name=a%20b+c"}, allowed=ALLOWED) == {"limit": "5", "name": "a b c"}
    assert query_of({"query_string": b""}, allowed=frozenset()) == {}


@pytest.mark.parametrize(
    ("query", "field"), [(b"limit=1&limit=1", "limit"), (b"other=1", "query"), (b"Limit=1", "query"), (b"=1", "query")]
)
def test_a_repeated_or_undeclared_name_is_refused(query: bytes, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        query_of({"query_string": query}, allowed=ALLOWED)
    assert refused.value.problems[0].field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda children: st.lists(children) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), children
    ),
)  # fmt: skip


@given(json_values)
def test_everything_else_that_json_can_say_is_read_as_it_is(value: Any) -> None:
    assert parse_json(msgspec.json.encode(value)) == value


@given(st.binary() | st.text('[]{}"\\,:a0 ').map(str.encode))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        value = parse_json(body)
    except MalformedRequest:
        return
    assert msgspec.json.decode(body) == value


@pytest.mark.parametrize("depth", [1, 64])
def test_nesting_up_to_the_bound_is_read(depth: int) -> None:
    text = b"[" * depth + b'"[[["' + b"]" * depth
    assert parse_json(text + b" " * 10) is not None
    assert parse_json(b'{"a": [' + b"[]," * 200 + b"{}]}") is not None


MEBIBYTE = 2**20


def filled(head: bytes, piece: bytes, tail: bytes) -> bytes:
    """As many of *piece* between *head* and *tail* as a body has room for."""
    return head + piece * ((MEBIBYTE - len(head) - len(tail)) // len(piece)) + tail


PLAIN = filled(b'{"name":"', b"a", b'"}')
HOSTILE = {
    "numbers": filled(b"[", b"1,", b"1]"),
    "fractions": filled(b"[", b"1.5,", b"1]"),
    "arrays": filled(b"[", b"[],", b"[]]"),
    "objects": filled(b"[", b"{},", b"{}]"),
    "arrays at the bound": filled(b"[", b"[" * 63 + b"]" * 63 + b",", b"1]"),
    "members": b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}",
    "a member again and again": filled(b"{", b'"cost":1,', b'"cost":1}'),
    "hidden behind a duplicate": filled(b'{"metadata":[', b"{},", b'{}],"metadata":null}'),
    "deep": b"[" * (MEBIBYTE // 2) + b"]" * (MEBIBYTE // 2),
    "deep objects": filled(b"", b'{"a":', b""),
    "never closed": b"[" * MEBIBYTE,
    "only closed": b"[" * 65 + b"]" * (MEBIBYTE - 65),
    "half open": filled(b"", b"[{},", b""),
    "strings": filled(b'["', b'a","', b'"]'),
    "strings that open": filled(b"", b'["', b""),
    "escapes": filled(b'{"name":"', b"\\n", b'"}'),
    "escaped letters": filled(b'{"name":"', b"\\u0041", b'"}'),
    "escaped quotes": filled(b'"', b'\\"', b""),
    "backslashes": filled(b'"', b"\\", b""),
    "one escape in a long string": filled(b'{"name":"\\u0041', b"a", b'"}'),
    "brackets in a string": filled(b'{"name":"', b"[", b'"}'),
    "digits": filled(b'{"name":', b"9", b"}"),
    "digits of a fraction": filled(b'{"name":1.', b"9", b"}"),
    "digits of an exponent": filled(b'{"name":1e', b"9", b"}"),
    "blanks": filled(b'{"name":"a"', b" ", b"}"),
}


def read(body: bytes) -> None:
    with suppress(MalformedRequest, Invalid):
        parse_json(body)


def calls_of(work: Callable[[], object]) -> int:
    """How many Python functions *work* enters: each is a thing of the caller's that the event loop waits for."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def cost_of(work: Callable[[], object]) -> float:
    """CPU seconds, the best of three."""

    def once() -> float:
        began = time.thread_time()
        work()
        return time.thread_time() - began

    return min(once() for _ in range(3))


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_a_body_costs_is_bounded_whatever_is_in_it(body: bytes) -> None:
    assert len(body) <= MEBIBYTE
    assert calls_of(lambda: read(body)) < 10_000
    assert cost_of(lambda: read(body)) < 10 * cost_of(lambda: read(PLAIN))


@pytest.mark.parametrize("piece", [b"%41", b"%", b"+", b"a", b"a&"])
def test_what_a_form_costs_is_bounded_too(piece: bytes) -> None:
    form = filled(b"username=", piece, b"")

    def read_form() -> None:
        with suppress(MalformedRequest):
            form_of(form)

    assert calls_of(read_form) < 2000
    assert cost_of(read_form) < 10 * cost_of(lambda: read(PLAIN))


def test_a_body_may_be_long_if_it_is_not_crowded(client: TestClient[Litestar]) -> None:
    assert sends(client, filled(b'{"name":"a"', b" ", b"}"))[0] == 201
    status, problem = sends(client, PLAIN)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/name")
    status, problem = sends(client, HOSTILE["strings"])
    assert (status, problem["detail"]) == (422, "has more than 8192 commas, brackets and escapes")


def test_the_fullest_body_that_any_route_takes_is_not_crowded() -> None:
    metadata = json.dumps({"a": "," * 4085})
    description = json.dumps("💥" * 1024)
    body = f'{{"description": {description}, "metadata": {metadata}, "scopes": {["a"] * 64}}}'.replace("'", '"')
    assert parse_json(body.encode())["description"] == "💥" * 1024


def test_moments_carry_their_offset() -> None:
    assert msgspec.convert("2030-01-01T02:00:00+02:00", Moment) == datetime(2030, 1, 1, tzinfo=UTC)
