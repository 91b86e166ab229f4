"""Whatever anybody sends to any route of the document, the answer is no 5xx, and a refusal is a whole problem."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar

from app.http.openapi import describe
from tests.support.databases import Databases
from tests.support.ports import memory_ports, ports_over
from tests.support.service import Person, Service

APP: Litestar = Service(memory_ports()).app
DOCUMENT = describe(APP, version="0", secure_cookies=False)
OAUTH = ("/v1/auth/token", "/v1/auth/revoke", "/v1/auth/introspect")
SOME_ID = "019b76da-a800-7000-8000-000000000fff"
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]
SIGNED = {("POST", "/v1/webhooks/{source}")}
"""Where any object will do, once its signature is right: see the tests of webhooks."""
WITH_JSON = [
    (method, path)
    for method, path in OPERATIONS
    if (method, path) not in SIGNED
    and "application/json" in DOCUMENT["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
]
NAMING = {("PUT", "/v1/scopes/{name}")}
"""What makes a thing under a name that the caller chooses: there it need not exist."""
FOR_BROWSERS = {("GET", "/v1/auth/oidc/{provider}/link"), ("POST", "/v1/auth/oidc/{provider}/logout")}
"""What a token does not open: see the tests of signing in through others."""
WITH_ID = [each for each in OPERATIONS if "{" in each[1] and each not in NAMING | FOR_BROWSERS]
FORMS = {("POST", "/v1/auth/oidc/{provider}/backchannel-logout"): {"logout_token": "x"}}
JSON = {"content-type": "application/json"}

ANYTHING: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "integer": [0, -1, 2**63 - 1],
    "number": [0.5, -1e308],
    "string": ["", " ", "x" * 100_000, "a\nb", "\u202e\ufeff", "💥" * 2000, "%00", "../../etc/passwd", "' OR 1=1 --"],
    "array": [[], [None], [[]], ["x"] * 5000, [{}]],
    "object": [{}, {"": ""}, {"$ne": None}, {"__proto__": {}}, {"x": "y" * 10_000}],
}
BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"0",
    b"{}",
    b"[" * 100_000,
    b'{"a":' * 65 + b"1" + b"}" * 65,
    b"\xff\xfe",
    b'{"name":"\xff"}',
    b'\xef\xbb\xbf{"name":"x"}',
    '{"name":"x"}'.encode("utf-16"),
    b'{"name":"a\\u0000b"}',
    b'{"name":"a\x00b"}',
    b'{"name":"\\ud800"}',
    b'{"\\udfff":1}',
    b'{"name":"x","name":"y"}',
    b'{"name":"x","scopes":["read"],"metadata":{"a":1,"a":2}}',
    b'{"name":"x","scopes":["read"],"metadata":{"a":"\\u0000"}}',
    b'{"name":"x","scopes":["read"],"metadata":{"\\ud83d":1}}',
    b'{"name":NaN}',
    b'{"name":1e999}',
    b'{"name":' + b"9" * 5000 + b"}",
    b'{"name":"x"} trailing',
    b"name=x",
    b"x" * (1024 * 1024 + 1),
]
OTHER_TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin-1",
    "application/json; charset=utf-16",
    "application/problem+json",
    "application/jsonp",
    "json",
    "application/json, application/json",
    "a" * 5000,
]
HOSTILE_IDS = [
    "0",
    "-1",
    "null",
    "undefined",
    "%00",
    "%ff",
    "%c0%ae",
    "..",
    "%2e%2e",
    "%2F",
    "a%2Fb",
    "1;drop",
    "{}",
    "💥",
]


def require_sane(answer: httpx.Response) -> httpx.Response:
    """No failure of ours, no trace of what we are made of, and a problem that tells its real status."""
    said = f"{answer.request.method} {answer.request.url!s:.200} {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, said
    assert answer.headers["x-content-type-options"] == "nosniff", said
    assert answer.headers["x-request-id"], said
    assert not [word for word in ("Traceback", "msgspec", "litestar", "sqlite", "asyncpg") if word in answer.text], said
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        body = answer.json()
        if answer.request.url.path in OAUTH and "error" in body:
            assert (answer.status_code, set(body)) == (400, {"error", "error_description"}), said
        else:
            assert answer.headers["content-type"] == "application/problem+json", said
            assert (body["status"], body["request_id"]) == (answer.status_code, answer.headers["x-request-id"]), said
    return answer


def schema_of(method: str, path: str) -> dict[str, Any]:
    content = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    return resolved(content["schema"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def kinds(schema: dict[str, Any]) -> set[str]:
    """The JSON types that *schema* takes; an integer is a number."""
    schema = resolved(schema)
    found = {kind for option in schema.get("anyOf", []) for kind in kinds(option)}
    if "type" in schema:
        found |= {schema["type"]}
    if "enum" in schema:
        found |= {"string"}
    return found | ({"integer"} if "number" in found else set())


def good(schema: dict[str, Any]) -> Any:
    """Something that *schema* takes, by its own examples."""
    schema = resolved(schema)
    match schema:
        case {"examples": [example, *_]}:
            return example
        case {"enum": [example, *_]}:
            return example
        case {"anyOf": [first, *_]}:
            return good(first)
        case {"type": "object"}:
            return {name: good(schema["properties"][name]) for name in schema.get("required", [])}
        case {"type": "array", "items": items}:
            return [good(items)]
    return {"string": "x", "integer": 1, "number": 1, "boolean": True}[schema["type"]]


def something(schema: dict[str, Any]) -> Any:
    """As `good`, and never nothing: the first member, where none is required."""
    (name, member), *_ = schema["properties"].items()
    return good(schema) or {name: good(member)}


def wrong_bodies(schema: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """A good body with one member at a time made strange, and whether its type alone condemns it."""
    whole = good(schema)
    for name, member in schema["properties"].items():
        for kind, values in ANYTHING.items():
            for value in values:
                yield {**whole, name: value}, kind not in kinds(member)
    for name in schema.get("required", []):
        yield {other: value for other, value in whole.items() if other != name}, True
    yield {**whole, "unknown": 1}, True


@pytest.fixture(params=["memory", "postgres"])
async def service(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Service]:
    """Where there is no schema, and where there is the strictest."""
    async with databases.storage(request.param) as storage:
        yield Service(ports_over(storage))


@pytest.fixture
async def ada(service: Service) -> Person:
    """An admin: no permission stands between her and the code behind the door."""
    return await service.admin("ada@example.org")


@pytest.fixture
async def there(service: Service, ada: Person) -> dict[str, str]:
    """Something that exists for every name in a path."""
    bob = await service.user()
    role = await ada.post("/v1/roles", name="some", permissions=[])
    await ada.put("/v1/scopes/some", permissions=[])
    project = (await ada.project("mine"))["id"]
    return {
        "project_id": project,
        "task_id": (await ada.post(f"/v1/projects/{project}/tasks", title="some")).json()["id"],
        "key_id": (await ada.key()).id,
        "user_id": bob.id,
        "role_id": role.json()["id"],
        "permission": "projects:read",
        "name": "some",
        "invitation_id": (await ada.post("/v1/invitations", email="guest@example.org")).json()["id"],
        "session_id": (await bob.get("/v1/whoami")).json()["session_id"],
    }


def nowhere(path: str) -> str:
    """*path*, with nothing that exists in it."""
    return re.sub(r"\{\w+\}", SOME_ID, path)


@pytest.mark.parametrize(("method", "path"), WITH_JSON)
async def test_a_member_of_another_type_is_refused(ada: Person, there: dict[str, str], method: str, path: str) -> None:
    where = path.format(**there)
    for body, condemned in wrong_bodies(schema_of(method, path)):
        answer = require_sane(await ada.send(method, where, headers=JSON, content=json.dumps(body).encode()))
        if condemned:
            assert answer.status_code == 422, (str(body)[:300], answer.text)


@pytest.mark.parametrize(("method", "path"), WITH_JSON)
async def test_a_broken_body_is_refused(ada: Person, there: dict[str, str], method: str, path: str) -> None:
    where, schema = path.format(**there), schema_of(method, path)
    nothing = set() if schema.get("required") else {b"", b"{}"}
    for body in BROKEN:
        answer = require_sane(await ada.send(method, where, headers=JSON, content=body))
        expected = (400, 413, 422) if body not in nothing else (200, 400, 422)
        assert answer.status_code in expected, (body[:80], answer.text)


@pytest.mark.parametrize(("method", "path"), WITH_JSON)
async def test_a_body_of_another_type_or_encoding_is_415(
    ada: Person, there: dict[str, str], method: str, path: str
) -> None:
    where, body = path.format(**there), json.dumps(good(schema_of(method, path))).encode()
    for media_type in OTHER_TYPES:
        answer = require_sane(await ada.send(method, where, headers={"content-type": media_type}, content=body))
        assert answer.status_code == 415, (media_type[:80], answer.text)
    for encoding in ("gzip", "br", "nonsense"):
        headers = {**JSON, "content-encoding": encoding}
        answer = require_sane(await ada.send(method, where, headers=headers, content=body))
        assert answer.status_code == 415, (encoding, answer.text)


@pytest.mark.parametrize(("method", "path"), WITH_ID)
async def test_a_hostile_id_is_nothing_that_exists(ada: Person, method: str, path: str) -> None:
    for id_ in HOSTILE_IDS:
        where = nowhere(path.replace(path[path.index("{") : path.index("}") + 1], id_))
        if "/../" in where:  # the client itself would ask for another path
            continue
        body = {"json": something(schema_of(method, path))} if (method, path) in WITH_JSON else {}
        answer = require_sane(await ada.send(method, where, data=FORMS.get((method, path)), **body))
        assert answer.status_code in (404, 405), (id_, answer.text)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_query_or_header_makes_a_failure(service: Service, ada: Person, method: str, path: str) -> None:
    where = nowhere(path)
    for query in (
        "limit=\x00",
        "%",
        "%ff=%ff",
        "limit[]=1",
        "a" * 8000,
        "&" * 300,
        "offset=1e9",
        "sorting=" + "a," * 99,
    ):
        require_sane(await ada.get(f"{where}?{quote(query, safe='%&=[],')}"))
        require_sane(await ada.send(method, f"{where}?{quote(query, safe='%&=[],')}"))
    for name in ("if-match", "if-none-match", "x-request-id", "x-forwarded-for", "prefer", "cookie", "range", "accept"):
        for value in (b"", b"\xff\xfe", b'"' * 3000, b",,,", b"W/" * 1000, b"\x01"):
            headers = [*ada.headers.items(), (name, value)]
            require_sane(await ada.http.request(method, where, headers=headers))
    for name in ("authorization", "x-api-key"):
        for value in (b"", b"Bearer", b"\xff", b"Bearer \xc3\xa9", b"Bearer " + b"a." * 9000, b"hk_" + b"0" * 71):
            require_sane(await service.anyone.http.request(method, where, headers=[(name, value)]))


@pytest.mark.parametrize("path", ["/v1/auth/token"])
async def test_a_strange_form_is_refused(service: Service, path: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    password = b"grant_type=password&username=%s&password=%s"
    bodies = [
        *BROKEN,
        b"grant_type=%00",
        b"grant_type=%ff",
        b"grant_type=%",
        b"&" * 1000,
        b"=" * 1000,
        password % (b"%00", b"x"),
        password % (b"ada@example.org", "\ufdfa".encode() * 127),
        password % (b"\xed\xa0\x80", b"x"),
        password % (b"a" * 100_000, b"b" * 100_000),
        b"grant_type=refresh_token&refresh_token=hkr_" + b"z" * 49,
        b"grant_type=refresh_token&refresh_token=" + "é".encode() * 53,
    ]
    for body in bodies:
        answer = require_sane(await service.anyone.send("POST", path, headers=form, content=body))
        assert answer.status_code in (400, 413), (body[:80], answer.text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("method", "path"), WITH_JSON)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_nothing_that_json_can_say_makes_a_failure(
    service: Service, ada: Person, method: str, path: str, data: st.DataObject
) -> None:
    schema = schema_of(method, path)
    body = {name: data.draw(JSON_VALUES | st.just(good(member))) for name, member in schema["properties"].items()}
    where = nowhere(path)
    require_sane(await ada.send(method, where, headers=JSON, content=json.dumps(body).encode()))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    path=st.text(max_size=40), query=st.binary(max_size=60), method=st.sampled_from(["GET", "POST", "TRACE", "BREW"])
)
async def test_no_url_makes_a_failure(service: Service, ada: Person, path: str, query: bytes, method: str) -> None:
    target = f"/{quote(path.encode('utf-8', 'replace'))}?{quote(query, safe='%&=+')}"
    require_sane(await ada.send(method, target))
