"""`Idempotency-Key`: what is asked for twice under one key is done once, and answered alike."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from adapters.security.idempotency import AesIdempotencySeals
from adapters.security.roots import RootSecrets
from app.http.application import Exposure
from app.http.routes import handlers_of
from domain.services.housekeeping import Housekeeping
from tests.support.ports import memory_ports
from tests.support.service import Caller, Person, Service, pointers, refusal

ANEW = {"x-request-id", "ratelimit", "ratelimit-policy", "idempotency-replayed"}
"""What an answer says of the very request, and so says otherwise when it is told again."""


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


def told(answer: httpx.Response) -> tuple[Any, ...]:
    headers = {name: value for name, value in answer.headers.items() if name not in ANEW}
    return answer.status_code, headers, answer.content


def is_replayed(answer: httpx.Response) -> bool:
    assert answer.headers.get("idempotency-replayed", "true") == "true"
    return "idempotency-replayed" in answer.headers


def keyed(caller: Caller, key: str = "k1") -> Caller:
    return caller.saying(idempotency_key=key)


def housekeeping(service: Service) -> Housekeeping:
    return Housekeeping(uow=service.ports.uow, changes=service.ports.changes, clock=service.ports.clock)


async def count(caller: Caller, path: str = "/v1/projects") -> int:
    total: int = (await caller.get(path)).json()["total"]
    return total


async def twice(caller: Caller, path: str, **body: Any) -> tuple[httpx.Response, httpx.Response]:
    first = await keyed(caller).post(path, **body)
    return first, await keyed(caller).post(path, **body)


async def test_a_second_call_is_told_the_first_answer(ada: Person) -> None:
    first, second = await twice(ada, "/v1/projects", name="Warehouse")
    assert first.status_code == 201
    assert not is_replayed(first)
    assert is_replayed(second)
    assert told(second) == told(first)
    assert {"etag", "location", "cache-control"} <= set(second.headers)
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(ada) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/projects", {"name": "x"}, 201),
        ("/v1/api-keys", {"name": "x", "scopes": ["read"]}, 201),
        ("/v1/users", {"email": "new@example.org"}, 201),
        ("/v1/roles", {"name": "x", "permissions": ["users:read"]}, 201),
        ("/v1/invitations", {"email": "new@example.org"}, 202),
    ],
)
async def test_whatever_is_made_is_made_once(
    service: Service, admin: Person, path: str, body: dict[str, Any], status: int
) -> None:
    before = await count(admin, path)
    await service.deliver()
    first = await keyed(admin).post(path, **body)
    events, mails = await service.events(), await service.deliver()
    second = await keyed(admin).post(path, **body)
    assert (first.status_code, is_replayed(second)) == (status, True)
    assert told(second) == told(first)
    assert await count(admin, path) == before + 1
    assert (await service.events(), await service.deliver()) == (events, [])
    assert len(mails) == (path in ("/v1/users", "/v1/invitations"))


async def test_a_key_is_rotated_once(ada: Person) -> None:
    robot = await ada.key()
    first, second = await twice(ada, f"/v1/api-keys/{robot.id}/rotate", grace="1h")
    assert is_replayed(second)
    assert told(second) == told(first)
    assert [v["version"] for v in first.json()["key"]["versions"]] == [1, 2]
    key = robot.saying(authorization=f"Bearer {second.json()['api_key']}")
    assert (await key.get("/v1/projects")).status_code == 200


async def test_a_rotation_may_be_waited_for_each_time(service: Service, ada: Person) -> None:
    robot = await ada.key()
    patient = ada.saying(prefer="wait")
    first, second = await twice(patient, f"/v1/api-keys/{robot.id}/rotate")
    assert first.headers["preference-applied"] == second.headers["preference-applied"] == "wait"
    assert told(second) == told(first)


async def test_without_a_body_it_is_the_same_body(ada: Person) -> None:
    robot = await ada.key()
    path = f"/v1/api-keys/{robot.id}/rotate"
    first, second = await twice(ada, path)
    assert told(second) == told(first)
    assert refusal(await keyed(ada).post(path, grace="1h")) == (422, "idempotency_key_reused")


async def test_another_body_under_the_same_key_is_refused(ada: Person) -> None:
    await keyed(ada).post("/v1/projects", name="Warehouse")
    for content in (b'{"name":"Office"}', b'{"name": "Warehouse" }', b"", b"{"):
        answer = await keyed(ada).send("POST", "/v1/projects", content=content)
        assert refusal(answer) == (422, "idempotency_key_reused")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/Idempotency-Key"]
    assert await count(ada) == 1


async def test_each_credential_path_and_key_is_on_its_own(service: Service, ada: Person) -> None:
    robot, other = await ada.key("writer", name="one"), await ada.key("writer", name="two")
    again = ada.saying(authorization=f"Bearer {(await service.sign_in(ada.email))['access_token']}")
    answers = [
        await keyed(caller, key).post("/v1/projects", name=f"{place}")
        for place, (caller, key) in enumerate([(ada, "a"), (ada, "A"), (robot, "a"), (other, "a"), (again, "a")])
    ]
    answers.append(await keyed(ada, "a").post("/v1/api-keys", name="x", scopes=["read"]))
    assert [(answer.status_code, is_replayed(answer)) for answer in answers] == [(201, False)] * 6


async def test_who_has_no_right_to_the_answer_is_not_told_it(service: Service, ada: Person) -> None:
    """Bob presents Ada's key, and learns not even that there is one."""
    bob = await service.user()
    await keyed(ada).post("/v1/projects", name="Warehouse")
    answer = await keyed(bob).post("/v1/projects", name="Warehouse")
    assert not is_replayed(answer)
    assert answer.json()["owner_id"] == bob.id


async def test_all_tokens_of_a_session_and_all_secrets_of_a_key_are_one_credential(
    service: Service, ada: Person
) -> None:
    first = await keyed(ada).post("/v1/projects", name="Warehouse")
    fresh = await service.anyone.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])
    second = await keyed(ada.saying(authorization=f"Bearer {fresh.json()['access_token']}")).post(
        "/v1/projects", name="Warehouse"
    )
    assert told(second) == told(first)

    robot = await ada.key("writer")
    made = await keyed(robot).post("/v1/projects", name="Robot's")
    rotated = (await ada.post(f"/v1/api-keys/{robot.id}/rotate", grace="1h")).json()["api_key"]
    again = await keyed(robot.saying(authorization=f"Bearer {rotated}")).post("/v1/projects", name="Robot's")
    assert (again.content, is_replayed(again)) == (made.content, True)


async def test_a_browser_may_send_one_too(service: Service, ada: Person) -> None:
    browser = await service.browser(ada)
    first, second = await twice(browser, "/v1/projects", name="Warehouse")
    assert is_replayed(second)
    assert told(second) == told(first)


async def test_a_trailing_slash_is_the_same_path(ada: Person) -> None:
    first = await keyed(ada).post("/v1/projects", name="Warehouse")
    second = await keyed(ada).post("/v1/projects/", name="Warehouse")
    assert told(second) == told(first)


@pytest.mark.parametrize("key", [b"", b"a b", b"\t", b"\xe9", "é".encode(), b"x" * 256, b"\x7f", b"a\x00", b'"a", "b"'])
async def test_a_key_is_visible_ascii_and_not_too_long(ada: Person, key: bytes) -> None:
    answer = await ada.send("POST", "/v1/projects", {"idempotency-key": key}, json={"name": "x"})  # type: ignore[dict-item]
    assert pointers(answer) == ["/Idempotency-Key"]
    assert await count(ada) == 0


@pytest.mark.parametrize("key", ["~", "!", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_any_visible_ascii_will_do(ada: Person, key: str) -> None:
    first = await keyed(ada, key).post("/v1/projects", name="x")
    assert is_replayed(await keyed(ada, key).post("/v1/projects", name="x"))
    assert first.status_code == 201


async def test_a_request_has_one_key(ada: Person) -> None:
    headers = [*ada.headers.items(), ("idempotency-key", "a"), ("idempotency-key", "a")]
    assert pointers(await ada.http.post("/v1/projects", headers=headers, json={"name": "x"})) == ["/Idempotency-Key"]


async def test_where_nothing_is_made_the_header_means_nothing(ada: Person) -> None:
    project = (await ada.project("x"))["id"]
    key = (await ada.key()).id
    for method, path in (("PATCH", f"/v1/projects/{project}"), ("POST", f"/v1/api-keys/{key}/suspend")):
        for _ in range(2):
            answer = await ada.saying(idempotency_key="a b").send(method, path, json={"name": "y"})
            assert (answer.status_code, is_replayed(answer)) == (200, False)


def test_what_makes_or_rotates_behind_a_credential_takes_a_key() -> None:
    routes = handlers_of(Service(memory_ports()).app)
    marked = {f"{method} {path}" for method, path, handler in routes if handler.opt.get("repeatable")}
    assert marked == {
        "POST /v1/api-keys",
        "POST /v1/api-keys/{key_id}/rotate",
        "POST /v1/invitations",
        "POST /v1/projects",
        "POST /v1/projects/{project_id}/tasks",
        "POST /v1/roles",
        "POST /v1/users",
    }


async def test_the_document_says_so(service: Service) -> None:
    document = (await service.anyone.get("/openapi.json")).json()
    operation = document["paths"]["/v1/projects"]["post"]
    [parameter] = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]
    assert (parameter["in"], parameter["required"]) == ("header", False)
    assert {"409", "422"} <= operation["responses"].keys()
    assert "Idempotency-Replayed" in operation["responses"]["201"]["headers"]
    elsewhere = document["paths"]["/v1/projects/{project_id}"]["patch"].get("parameters", ())
    assert "Idempotency-Key" not in {one["name"] for one in elsewhere}


async def test_a_page_of_another_origin_may_send_and_read_it() -> None:
    page = Service(memory_ports(), Exposure(cors_origins=("https://app.example",))).anyone
    asks = page.saying(origin="https://app.example", access_control_request_method="POST")
    preflight = await asks.send("OPTIONS", "/v1/projects")
    assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]
    assert "Idempotency-Replayed" in preflight.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"name":"Warehouse"}', 409),
        (b'{"name":""}', 422),
        (b'{"nome":"x"}', 422),
        (b"{", 400),
        (b"", 422),
    ],
)
async def test_a_refusal_is_told_again_too(ada: Person, content: bytes, status: int) -> None:
    project = await ada.project("Warehouse")
    json_body = {"content-type": "application/json"}
    first = await keyed(ada).send("POST", "/v1/projects", json_body, content=content)
    await ada.delete(f"/v1/projects/{project['id']}")
    second = await keyed(ada).send("POST", "/v1/projects", json_body, content=content)
    assert (first.status_code, is_replayed(first), is_replayed(second)) == (status, False, True)
    assert told(second) == told(first)
    assert await count(ada) == 0


@pytest.mark.parametrize(
    ("headers", "status"), [({"if-match": '"9"'}, 412), ({}, 403), ({"content-type": "text/plain"}, 415)]
)
async def test_so_is_every_other_refusal_of_the_work(
    service: Service, ada: Person, headers: dict[str, str], status: int
) -> None:
    strong = await service.given_key(ada, "projects:any", "api_keys:rotate", "read")
    weak = await ada.key("read", "api_keys:rotate") if status == 403 else ada
    target = strong if status == 403 else await ada.key(name="other")
    path = f"/v1/api-keys/{target.id}/rotate"
    body = {"content": b"{}"} if status == 415 else {}
    first = await keyed(weak).send("POST", path, headers, **body)  # type: ignore[arg-type]
    second = await keyed(weak).send("POST", path, headers, **body)  # type: ignore[arg-type]
    assert (first.status_code, is_replayed(second)) == (status, True)
    assert told(second) == told(first)


async def test_a_body_that_never_came_whole_is_kept_by_nobody(ada: Person) -> None:
    for _ in range(2):
        answer = await keyed(ada).send("POST", "/v1/projects", content=b"x" * 1_100_000)
        assert (answer.status_code, is_replayed(answer)) == (413, False)
    assert (await keyed(ada).post("/v1/projects", name="x")).status_code == 201


async def test_door_permission_and_limit_are_judged_before_a_replay(service: Service, ada: Person) -> None:
    robot = await ada.key("writer", limits=["3/minute"])
    assert (await keyed(robot).post("/v1/projects", name="x")).status_code == 201
    assert is_replayed(await keyed(robot).post("/v1/projects", name="x"))
    await ada.patch(f"/v1/api-keys/{robot.id}", scopes=["read"])
    assert refusal(await keyed(robot).post("/v1/projects", name="x")) == (403, "permission_denied")
    await ada.patch(f"/v1/api-keys/{robot.id}", scopes=["writer"])
    assert is_replayed(await keyed(robot).post("/v1/projects", name="x"))
    assert refusal(await keyed(robot).post("/v1/projects", name="x")) == (429, "quota_exceeded")
    service.advance(minutes=1)
    await ada.post(f"/v1/api-keys/{robot.id}/revoke")
    assert refusal(await keyed(robot).post("/v1/projects", name="x")) == (401, "key_revoked")


async def test_who_was_limited_may_ask_again(ada: Person, service: Service) -> None:
    robot = await ada.key("writer", limits=["1/minute"])
    await robot.get("/v1/projects")
    assert (await keyed(robot).post("/v1/projects", name="x")).status_code == 429
    service.advance(minutes=1)
    assert (await keyed(robot).post("/v1/projects", name="x")).status_code == 201


async def test_the_first_answer_outlives_what_was_made(ada: Person) -> None:
    first = await keyed(ada).post("/v1/projects", name="x")
    await ada.delete(first.headers["location"])
    assert told(await keyed(ada).post("/v1/projects", name="x")) == told(first)
    assert await count(ada) == 0


async def test_a_key_is_good_for_a_day(service: Service, ada: Person) -> None:
    robot = await ada.key("writer")
    first = await keyed(robot).post("/v1/projects", name="x")
    service.advance(hours=24, microseconds=-1)
    assert told(await keyed(robot).post("/v1/projects", name="x")) == told(first)
    service.advance(microseconds=1)
    assert refusal(await keyed(robot).post("/v1/projects", name="x")) == (409, "project_name_taken")
    other = await keyed(robot).post("/v1/projects", name="y")
    assert refusal(other) == (422, "idempotency_key_reused")


async def test_a_secret_is_told_again_for_ten_minutes(service: Service, ada: Person) -> None:
    robot = await ada.key("read", "api_keys:create", "api_keys:rotate")
    body: dict[str, Any] = {"name": "x", "scopes": ["read"]}
    first = await keyed(robot).post("/v1/api-keys", **body)
    turned = await keyed(robot).post(f"/v1/api-keys/{robot.id}/rotate", grace="1d")
    refused = await keyed(robot, "k2").post("/v1/api-keys", **{**body, "name": ""})
    service.advance(minutes=10, microseconds=-1)
    assert told(await keyed(robot).post("/v1/api-keys", **body))[::2] == told(first)[::2]
    service.advance(microseconds=1)
    for _ in range(2):
        for path, sent in (("/v1/api-keys", body), (f"/v1/api-keys/{robot.id}/rotate", {"grace": "1d"})):
            answer = await keyed(robot).post(path, **sent)
            assert refusal(answer) == (409, "idempotency_secret_gone")
        assert refusal(await keyed(robot).post("/v1/api-keys", name="y")) == (422, "idempotency_key_reused")
        again = await keyed(robot, "k2").post("/v1/api-keys", **{**body, "name": ""})
        assert (again.content, is_replayed(again)) == (refused.content, True)
        await housekeeping(service).sweep()
    assert turned.status_code == 200
    assert await count(ada, "/v1/api-keys") == 2


async def test_what_is_swept_out_is_the_secret_after_ten_minutes_and_the_record_after_a_day(
    service: Service, ada: Person
) -> None:
    await keyed(ada).post("/v1/api-keys", name="x", scopes=["read"])
    await keyed(ada).post("/v1/projects", name="x")
    rows = service.ports.uow._committed.records  # type: ignore[attr-defined]
    assert sorted(row.sealed is not None for row in rows) == [True, True]
    service.advance(minutes=10)
    await housekeeping(service).sweep()
    assert sorted(row.sealed is not None for row in rows) == [False, True]
    service.advance(hours=24)
    await housekeeping(service).sweep()
    assert list(rows) == []


async def test_what_was_kept_under_a_former_root_secret_is_told_under_the_next(ada: Person, service: Service) -> None:
    old, new = "the first root secret, and long enough", "another root secret, and long enough"
    body: dict[str, Any] = {"name": "x", "scopes": ["read"]}
    answers = []
    for secrets in ([old], [new, old], [new], [old]):
        seals = AesIdempotencySeals(RootSecrets(secrets))
        caller = replace(ada, http=Service(replace(service.ports, idempotency_seals=seals)).anyone.http)
        answers.append(await keyed(caller).post("/v1/api-keys", **body))
    first, second, dropped, back = answers
    assert first.status_code == 201
    assert told(second) == told(back) == told(first)
    assert refusal(dropped) == (422, "idempotency_key_reused")
    assert await count(ada, "/v1/api-keys") == 1
