"""What others sign comes in once, and nothing else does."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from litestar import post

from adapters.security.webhook_signatures import HmacWebhookSignatures
from app.composition import Ports
from app.http.body_guard import MAX_BODY
from app.http.doors import SignedRequest, signed
from app.http.routes import WrongRoutes, table
from domain.model.limits import Policy
from domain.model.permissions import WebhookPermission
from domain.model.webhooks import DELIVERY_FIELDS
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import Service, refusal

OLD, NEW = b"a secret that is thirty-two bytes", b"another one of thirty-two bytes!!"
WHSEC = "whsec_" + base64.b64encode(OLD).decode()
GITHUB, SHOP = "/v1/webhooks/github", "/v1/webhooks/shop"
JSON = {"content-type": "application/json"}
ORDER = b'{"type": "order.paid", "data": {"id": 7}}'


def ports_of(**secrets: tuple[str, ...]) -> Ports:
    ports = memory_ports()
    given = {"github": (OLD.decode(),), "shop": (WHSEC,), **secrets}
    return replace(ports, webhook_signatures=HmacWebhookSignatures(given, clock=ports.clock))


@pytest.fixture
def service() -> Service:
    return Service(ports_of())


def by_github(body: bytes, delivery: str = "1", event: str = "push", key: bytes = OLD) -> dict[str, str]:
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    return {**JSON, "x-hub-signature-256": signature, "x-github-delivery": delivery, "x-github-event": event}


def by_standard(service: Service, body: bytes, delivery: str = "msg_1", key: bytes = OLD) -> dict[str, str]:
    timestamp = int(service.ports.clock.now().timestamp())
    digest = hmac.digest(key, f"{delivery}.{timestamp}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(digest).decode()
    return {**JSON, "webhook-id": delivery, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


async def sent(service: Service, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return await service.anyone.send("POST", path, headers=headers, content=body)


async def listed(service: Service, source: str = "shop") -> list[dict[str, Any]]:
    person = await service.person_with(WebhookPermission.READ)
    answer = await person.get(f"/v1/webhooks/{source}/deliveries?sorting=created_at")
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_what_is_signed_is_taken_once_and_listed(service: Service) -> None:
    first = await sent(service, SHOP, ORDER, by_standard(service, ORDER))
    again = await sent(service, SHOP, ORDER, by_standard(service, ORDER))
    assert (first.status_code, again.status_code, first.content, again.content) == (202, 200, b"", b"")
    assert first.headers["cache-control"] == "no-store"
    [delivery] = await listed(service)
    assert delivery.pop("id")
    assert delivery.pop("created_at").endswith("Z")
    assert delivery == {
        "delivery_id": "msg_1",
        "event": "order.paid",
        "size": len(ORDER),
        "status": "unhandled",
        "attempts": 0,
        "last_error": None,
        "handled_at": None,
    }


async def test_github_names_the_event_in_a_header(service: Service) -> None:
    body = b'{"ref": "refs/heads/main", "type": "not this"}'
    assert (await sent(service, GITHUB, body, by_github(body))).status_code == 202
    assert [(one["delivery_id"], one["event"]) for one in await listed(service, "github")] == [("1", "push")]


async def test_a_captured_body_of_github_is_not_new_under_another_name(service: Service) -> None:
    body = b'{"ref": "refs/heads/main"}'
    answers = [
        await sent(service, GITHUB, body, by_github(body, delivery, event))
        for delivery, event in (("1", "push"), ("2", "push"), ("3", "release"))
    ]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert len(await listed(service, "github")) == 1


async def test_equal_bodies_under_signed_ids_are_two(service: Service) -> None:
    for delivery in ("msg_1", "msg_2"):
        assert (await sent(service, SHOP, ORDER, by_standard(service, ORDER, delivery))).status_code == 202


@pytest.mark.parametrize("path", [GITHUB, SHOP])
async def test_without_a_signature_nothing_comes_in(service: Service, path: str) -> None:
    answer = await sent(service, path, ORDER, JSON)
    assert refusal(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="hexkey"'
    assert await listed(service, path.rpartition("/")[2]) == []


async def test_a_wrong_signature_is_no_credential(service: Service) -> None:
    for path, headers in (
        (GITHUB, by_github(ORDER, key=NEW)),
        (GITHUB, by_github(ORDER + b" ")),
        (SHOP, by_standard(service, ORDER, key=NEW)),
        (SHOP, by_standard(service, ORDER + b" ")),
    ):
        answer = await sent(service, path, ORDER, headers)
        assert refusal(answer) == (401, "invalid_credential")
        assert answer.headers["www-authenticate"] == 'Bearer realm="hexkey", error="invalid_token"'
    assert await listed(service) == []


async def test_a_bearer_token_is_no_signature(service: Service) -> None:
    ada = await service.admin()
    assert refusal(await ada.send("POST", SHOP, headers=JSON, content=ORDER)) == (401, "unauthenticated")


async def test_what_is_older_than_five_minutes_is_refused(service: Service) -> None:
    headers = by_standard(service, ORDER)
    service.advance(seconds=301)
    assert refusal(await sent(service, SHOP, ORDER, headers)) == (401, "invalid_credential")


@pytest.mark.parametrize("source", ["nobody", "GitHub", "github%20"])
async def test_a_source_without_a_secret_is_not_there(service: Service, source: str) -> None:
    path = f"/v1/webhooks/{source}"
    assert refusal(await sent(service, path, ORDER, by_github(ORDER))) == (404, "not_found")
    reader = await service.person_with(WebhookPermission.READ)
    assert refusal(await reader.get(f"{path}/deliveries")) == (404, "not_found")


async def test_both_secrets_hold_during_a_rotation() -> None:
    service = Service(ports_of(github=(NEW.decode(), OLD.decode())))
    for number, key in enumerate((OLD, NEW)):
        body = b'{"number": %d}' % number
        assert (await sent(service, GITHUB, body, by_github(body, str(number), key=key))).status_code == 202
    after = Service(ports_of(github=(NEW.decode(),)))
    assert refusal(await sent(after, GITHUB, ORDER, by_github(ORDER))) == (401, "invalid_credential")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'"\0"', b"NaN", b'{"a": 1} x', b"\xef\xbb\xbf{}", b"[" * 65 + b"]" * 65, b"1e999"],
)
async def test_what_is_signed_and_no_json_is_malformed(service: Service, body: bytes) -> None:
    assert refusal(await sent(service, GITHUB, body, by_github(body))) == (400, "malformed_request")
    assert await listed(service, "github") == []


async def test_another_media_type_is_refused_after_the_signature(service: Service) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert refusal(await sent(service, GITHUB, ORDER, by_github(ORDER) | form)) == (415, "unsupported_media_type")
    assert refusal(await sent(service, GITHUB, ORDER, by_github(ORDER, key=NEW) | form))[0] == 401


async def test_a_push_of_many_commits_passes_whole(service: Service) -> None:
    commit = {
        "id": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d",
        "message": "Käse 🧀 \u0000",
        "author": {"name": "Ada", "email": "ada@example.org"},
        "added": ["a", "b"],
        "removed": [],
    }
    body = json.dumps({"ref": "refs/heads/main", "commits": [commit] * 1800}).encode()
    assert 300_000 < len(body) < MAX_BODY
    assert body.count(b",") + body.count(b"{") > 8192
    assert (await sent(service, GITHUB, body, by_github(body))).status_code == 202
    [delivery] = await listed(service, "github")
    assert delivery["size"] == len(body)


async def test_more_than_a_mebibyte_is_too_large(service: Service) -> None:
    body = b'"' + b"a" * MAX_BODY + b'"'
    assert refusal(await sent(service, GITHUB, body, by_github(body))) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["a b", "", "é", "\0", "x" * 256, 7, None, ["order"]])
async def test_a_type_that_is_no_name_names_no_event(service: Service, kind: object) -> None:
    body = json.dumps({"type": kind}).encode()
    assert (await sent(service, SHOP, body, by_standard(service, body))).status_code == 202
    assert [one["event"] for one in await listed(service)] == [None]


async def test_strangers_are_counted_before_their_body_is_read() -> None:
    ports = replace(ports_of(), rules=replace(NO_LIMITS, anonymous_limit=Policy(2, 60)))
    service = Service(ports)
    for _ in range(2):
        assert refusal(await sent(service, SHOP, ORDER, JSON))[0] == 401
    assert refusal(await sent(service, SHOP, ORDER, by_standard(service, ORDER))) == (429, "quota_exceeded")


async def test_deliveries_are_read_by_people_who_may(service: Service) -> None:
    person, reader = await service.user(), await service.person_with(WebhookPermission.READ)
    path = f"{SHOP}/deliveries"
    assert refusal(await person.get(path)) == (403, "permission_denied")
    robot = await service.given_key(reader, "webhooks:read")
    assert refusal(await robot.get(path)) == (403, "credential_kind_not_allowed")
    assert (await reader.get(path)).json() == {"total": 0, "data": [], "limit": 50, "offset": 0, "next": None}
    assert (await reader.get(f"{path}?status[in]=pending,failed&event=order.paid")).json()["total"] == 0
    for wrong in ("sorting=payload", "payload=x", "event[contains]=x", "status=lost"):
        assert refusal(await reader.get(f"{path}?{wrong}")) == (422, "invalid_input")


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("field", DELIVERY_FIELDS.sorts)
async def test_deliveries_go_on_by_whatever_they_are_sorted_by(service: Service, field: str, direction: str) -> None:
    for number, kind in enumerate((b'"a"', b'"B"', b"null")):
        body = b'{"type":' + kind + b"}"
        assert (await sent(service, SHOP, body, by_standard(service, body, f"m{number}"))).status_code == 202
    reader = await service.person_with(WebhookPermission.READ)
    path = f"{SHOP}/deliveries?sorting={field}:{direction}"
    whole = (await reader.get(path)).json()["data"]
    assert len(whole) == 3
    page, walked = (await reader.get(f"{path}&limit=1")).json(), []
    walked += page["data"]
    while page["next"]:
        page = (await reader.get(f"{path}&limit=1&cursor={page['next']}")).json()
        walked += page["data"]
    assert walked == whole


class TestRoutesOfAnExtension:
    async def test_they_stand_behind_the_same_door(self) -> None:
        @post("/paid", opt=signed("shop"), status_code=200)
        async def paid(request: SignedRequest) -> str:
            return f"{request.user.delivery_id} {await request.json()}"

        service = Service(ports_of(), handlers=[paid])
        answer = await sent(service, "/paid", b"[7]", by_standard(service, b"[7]"))
        assert (answer.status_code, answer.json()) == (200, "msg_1 [7]")
        assert refusal(await sent(service, "/paid", b"[8]", by_standard(service, b"[7]")))[0] == 401
        assert [row.door for row in table(service.app) if row.path == "/paid"] == ["signed"]

    def test_one_without_a_source_stops_the_start(self) -> None:
        @post("/paid", opt=signed())
        async def paid(request: SignedRequest) -> None: ...

        with pytest.raises(WrongRoutes, match="POST /paid: names no source"):
            Service(ports_of(), handlers=[paid])
