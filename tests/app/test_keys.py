"""API keys: made once, shown once, never more than their owner, and dead when they are revoked."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.security.base62 import checked
from tests.support.fakes import START
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import Person, Robot, Service, pointers, presenting, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


async def test_a_key_is_shown_once_and_opens_its_door(service: Service, ada: Person) -> None:
    created = await ada.post("/v1/api-keys", name="robot", scopes=["read"], metadata={"line": 3})
    key, secret = created.json()["key"], created.json()["api_key"]
    assert created.status_code == 201
    assert created.headers["location"] == f"/v1/api-keys/{key['id']}"
    assert created.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"hk_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}", secret)
    assert key == {
        "id": key["id"],
        "name": "robot",
        "description": None,
        "prefix": secret[:25],
        "last4": secret[-4:],
        "scopes": ["read"],
        "status": "active",
        "owner_id": ada.id,
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": None,
        "last_used_at": None,
        "last_used_ip": None,
        "use_count": 0,
        "metadata": {"line": 3},
        "limits": [],
        "allowed_networks": [],
        "project_ids": [],
        "versions": [{"version": 1, "created_at": "2026-01-01T00:00:00Z", "retires_at": None, "last_used_at": None}],
    }
    read = await ada.get(created.headers["location"])
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, key, '"1"')
    assert secret not in read.text
    assert secret not in (await ada.get("/v1/api-keys")).text
    for credential in (presenting(secret), {"x-api-key": secret}):
        caller = (await service.anyone.send("GET", "/v1/whoami", headers=credential)).json()
        assert (caller["kind"], caller["key_id"], caller["user_id"]) == ("key", key["id"], ada.id)


async def test_who_am_i_tells_permissions_and_scopes(ada: Person) -> None:
    robot = await ada.key("writer")
    caller = (await robot.get("/v1/whoami")).json()
    assert caller["scopes"] == ["writer"]
    assert caller["session_id"] is None
    assert set(caller["permissions"]) >= {"projects:read", "projects:update", "tasks:delete"}
    assert "projects:delete" not in caller["permissions"]


async def test_a_key_may_ask_for_its_own_view(ada: Person) -> None:
    robot = await ada.key("tasks:read")
    assert (await robot.get("/v1/api-keys/self")).json() == robot.view
    assert refusal(await ada.get("/v1/api-keys/self")) == (403, "credential_kind_not_allowed")
    assert refusal(await robot.get("/v1/api-keys")) == (403, "permission_denied")
    assert refusal(await robot.get("/v1/me")) == (403, "credential_kind_not_allowed")


@pytest.mark.parametrize(
    ("members", "at_fault"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"description": "x" * 1025}, "/description"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": "read"}, "/scopes"),
        ({"scopes": None}, "/scopes"),
        ({"scopes": ["read", "nothing:known"]}, "/scopes/1"),
        ({"scopes": ["READ"]}, "/scopes/0"),
        ({"expires_at": "2026-02-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "2025-12-31T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+10:00"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-10:00"}, "/expires_at"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"expires_at": 1798761600}, "/expires_at"),
        ({"expires_in": "0s"}, "/expires_in"),
        ({"expires_in": "90"}, "/expires_in"),
        ({"expires_in": "01d"}, "/expires_in"),
        ({"expires_in": "-1d"}, "/expires_in"),
        ({"expires_in": "999999999d"}, "/expires_in"),
        ({"expires_in": "1d", "expires_at": "2026-02-01T00:00:00Z"}, "/expires_in"),
        ({"metadata": []}, "/metadata"),
        ({"metadata": {"a": "x" * 4096}}, "/metadata"),
        ({"limits": ["50/fortnight"]}, "/limits/0"),
        ({"limits": ["0/minute"]}, "/limits/0"),
        ({"limits": ["5/minute", "6/minute"]}, "/limits"),
        ({"allowed_networks": ["192.0.2.1/24"]}, "/allowed_networks/0"),
        ({"allowed_networks": ["example.org"]}, "/allowed_networks/0"),
        ({"project_ids": ["not-an-id"]}, "/project_ids/0"),
        ({"api_key": "hk_mine"}, ""),
        ({"owner_id": str(uuid4())}, ""),
    ],
)
async def test_a_key_that_cannot_be_is_refused_by_name(ada: Person, members: dict[str, object], at_fault: str) -> None:
    answer = await ada.post("/v1/api-keys", **{"name": "robot", "scopes": ["read"], **members})
    assert pointers(answer) in ([at_fault], [at_fault, at_fault], [re.sub(r"/\d+$", "", at_fault)])


async def test_a_name_and_a_scope_are_required(ada: Person) -> None:
    assert pointers(await ada.post("/v1/api-keys", scopes=["read"])) == ["/name"]
    assert pointers(await ada.post("/v1/api-keys", name="robot")) == ["/scopes"]


async def test_an_expiry_is_a_date_or_a_duration(ada: Person) -> None:
    by_date = await ada.key(expires_at="2026-04-01T02:00:00+02:00")
    assert by_date.view["expires_at"] == "2026-04-01T00:00:00Z"
    assert by_date.view == (await ada.get(f"/v1/api-keys/{by_date.id}")).json()
    assert (await ada.key(expires_in="90d")).view["expires_at"] == "2026-04-01T00:00:00Z"
    assert (await ada.key(expires_in="1500ms")).view["expires_at"] == "2026-01-01T00:00:01.500000Z"


async def test_an_expired_key_is_told_so_from_its_last_moment_on(service: Service, ada: Person) -> None:
    robot = await ada.key(expires_in="5m")
    service.advance(minutes=4, seconds=59)
    assert (await robot.get("/v1/whoami")).status_code == 200
    service.advance(seconds=1)
    refused = await robot.get("/v1/whoami")
    assert refusal(refused) == (401, "key_expired")
    assert refused.headers["www-authenticate"] == 'Bearer realm="hexkey", error="invalid_token"'
    assert (await ada.get(f"/v1/api-keys/{robot.id}")).json()["status"] == "expired"


async def test_the_operator_caps_the_life_of_keys() -> None:
    service = Service(memory_ports(rules=replace(NO_LIMITS, key_max_lifetime=timedelta(days=30))))
    ada = await service.user()
    assert (await ada.key()).view["expires_at"] == "2026-01-31T00:00:00Z"
    assert pointers(await ada.post("/v1/api-keys", name="x", scopes=["read"], expires_in="31d")) == ["/expires_in"]


async def test_nobody_mints_a_key_that_may_more_than_they_may(ada: Person) -> None:
    answer = await ada.post("/v1/api-keys", name="robot", scopes=["read", "users:read"])
    assert refusal(answer) == (403, "scope_exceeds_minter")
    assert "users:read" in answer.json()["detail"]
    assert refusal(await ada.post("/v1/api-keys", name="robot", scopes=["projects:any"]))[1] == "scope_exceeds_minter"


async def test_a_key_mints_no_key_beyond_itself(ada: Person) -> None:
    project = (await ada.project("Warehouse"))["id"]
    minter = await ada.key("api_keys:create", "read", expires_in="1d", project_ids=[project])

    async def mint(**members: object) -> tuple[int, str]:
        wanted = {"name": "child", "scopes": ["read"], "expires_in": "1h", "project_ids": [project]}
        answer = await minter.post("/v1/api-keys", **{**wanted, **members})
        return (201, "") if answer.status_code == 201 else refusal(answer)

    assert await mint() == (201, "")
    assert await mint(scopes=["writer"]) == (403, "scope_exceeds_minter")
    assert await mint(expires_in="2d") == (403, "scope_exceeds_minter")
    assert await mint(expires_in=None) == (403, "scope_exceeds_minter")
    assert await mint(project_ids=[]) == (403, "scope_exceeds_minter")
    assert await mint(project_ids=[project, str(uuid4())]) == (403, "scope_exceeds_minter")


async def test_a_key_never_exceeds_its_owner(service: Service, ada: Person) -> None:
    robot = await service.given_key(ada, "projects:read", "projects:any", "users:read")
    caller = (await robot.get("/v1/whoami")).json()
    assert caller["permissions"] == ["projects:read"]
    assert caller["scopes"] == ["projects:any", "projects:read", "users:read"]
    bob = await service.user()
    path = f"/v1/projects/{(await bob.project('Hidden'))['id']}"
    assert refusal(await robot.get(path)) == (404, "not_found")


async def test_a_key_bound_to_projects_touches_no_other(ada: Person) -> None:
    inside, outside = await ada.project("Inside"), await ada.project("Outside")
    robot = await ada.key("writer", project_ids=[inside["id"]])
    assert (await robot.get(f"/v1/projects/{inside['id']}")).status_code == 200
    assert refusal(await robot.get(f"/v1/projects/{outside['id']}")) == (404, "not_found")
    assert refusal(await robot.patch(f"/v1/projects/{outside['id']}", name="x")) == (404, "not_found")
    listed = (await robot.get("/v1/projects")).json()
    assert (listed["total"], [project["name"] for project in listed["data"]]) == (1, ["Inside"])


async def test_what_one_may_not_see_is_not_there(service: Service, ada: Person, admin: Person) -> None:
    robot, bob = await ada.key(), await service.user()
    path = f"/v1/api-keys/{robot.id}"
    assert refusal(await bob.get(path)) == (404, "not_found")
    assert refusal(await bob.post(f"{path}/revoke")) == (404, "not_found")
    assert refusal(await bob.get(f"/v1/api-keys/{uuid4()}")) == (404, "not_found")
    assert refusal(await bob.get("/v1/api-keys/not-an-id")) == (404, "not_found")
    assert (await bob.get("/v1/api-keys")).json()["total"] == 0
    assert (await robot.get("/v1/whoami")).status_code == 200
    assert (await admin.get(path)).json() == robot.view
    assert (await admin.get("/v1/api-keys")).json()["data"] == [robot.view]


async def test_revoking_is_final_and_said_again_the_same(service: Service, ada: Person) -> None:
    robot = await ada.key()
    path = f"/v1/api-keys/{robot.id}/revoke"
    first = await ada.post(path)
    assert first.status_code == 200
    assert first.json() == {"key": {**robot.view, "status": "revoked"}, "effective_at": "2026-01-01T00:00:00.500000Z"}
    assert refusal(await robot.get("/v1/whoami")) == (401, "key_revoked")
    service.advance(minutes=5)
    second = await ada.post(path)
    assert (second.status_code, second.json()["key"]) == (200, first.json()["key"])
    assert [event.action for event in await service.events()].count("api_key.revoked") == 1


async def test_a_revoked_key_may_not_revoke_but_a_live_one_may_with_the_permission(ada: Person) -> None:
    victim, without, able = await ada.key(), await ada.key("read"), await ada.key("api_keys:revoke")
    path = f"/v1/api-keys/{victim.id}/revoke"
    assert refusal(await without.post(path)) == (403, "permission_denied")
    assert (await able.post(path)).status_code == 200
    assert (await able.post(f"/v1/api-keys/{able.id}/revoke")).status_code == 200
    assert refusal(await able.post(path)) == (401, "key_revoked")


async def test_a_state_is_told_only_to_who_proves_the_secret(service: Service, ada: Person) -> None:
    robot, other = await ada.key(), await ada.key()
    await ada.post(f"/v1/api-keys/{robot.id}/revoke")
    stranger = service.anyone.saying(x_api_key=forged(robot, other))
    assert refusal(await stranger.get("/v1/whoami")) == (401, "invalid_credential")


async def test_an_owner_has_a_hundred_live_keys_at_the_most(service: Service, ada: Person) -> None:
    service.services.keys._live_per_owner = 2
    first = await ada.key()
    await ada.key(expires_in="1m")
    assert refusal(await ada.post("/v1/api-keys", name="x", scopes=["read"])) == (409, "quota_reached")
    await ada.post(f"/v1/api-keys/{first.id}/revoke")
    await ada.key()
    service.advance(minutes=1)
    await ada.key()


async def test_a_good_key_is_verified_with_all_that_it_may(admin: Person, ada: Person) -> None:
    robot = await ada.key(metadata={"line": 3}, expires_in="1d", limits=["50/minute"])
    verdict = await admin.post("/v1/api-keys/verify", api_key=robot.secret)
    assert verdict.status_code == 200
    assert verdict.headers["cache-control"] == "no-store"
    assert verdict.json() == {
        "valid": True,
        "code": "valid",
        "key_id": robot.id,
        "owner_id": ada.id,
        "name": "robot",
        "scopes": ["read"],
        "permissions": ["projects:read", "tasks:read"],
        "metadata": {"line": 3},
        "expires_at": "2026-01-02T00:00:00Z",
        "limits": ["50/minute"],
    }


async def test_a_key_that_is_not_known_has_no_id(admin: Person, ada: Person) -> None:
    robot, other = await ada.key(), await ada.key()
    for unknown in (
        "",
        "nonsense",
        robot.secret[:-1],
        f"{robot.secret}x",
        forged(robot, other),
        ada.headers["authorization"],
    ):
        verdict = await admin.post("/v1/api-keys/verify", api_key=unknown)
        assert (verdict.status_code, verdict.json()) == (200, {"valid": False, "code": "unknown"})


async def test_verify_says_why_a_known_key_is_not_good(service: Service, admin: Person, ada: Person) -> None:
    revoked, expiring = await ada.key(), await ada.key(expires_in="5m")
    suspended = await service.given_key(ada, "read", suspended_at=START)
    orphan = await (gone := await service.user()).key()
    await ada.post(f"/v1/api-keys/{revoked.id}/revoke")
    await service.deactivate(gone)
    service.advance(minutes=5)
    for robot, code in (
        (revoked, "revoked"),
        (expiring, "expired"),
        (suspended, "suspended"),
        (orphan, "owner_inactive"),
    ):
        verdict = await admin.post("/v1/api-keys/verify", api_key=robot.secret)
        assert (verdict.status_code, verdict.json()) == (200, {"valid": False, "code": code, "key_id": robot.id})


async def test_a_suspended_key_is_refused_at_the_door(service: Service, ada: Person) -> None:
    robot = await service.given_key(ada, "read", suspended_at=START)
    assert refusal(await robot.get("/v1/whoami")) == (401, "key_suspended")
    assert (await ada.get(f"/v1/api-keys/{robot.id}")).json()["status"] == "suspended"


async def test_verify_asks_for_permissions(admin: Person, ada: Person) -> None:
    robot = await ada.key("read")
    enough = await admin.post("/v1/api-keys/verify", api_key=robot.secret, permissions=["projects:read"])
    assert enough.json()["code"] == "valid"
    for wanted in (["projects:update"], ["projects:read", "projects:update"], ["never:heard"]):
        verdict = await admin.post("/v1/api-keys/verify", api_key=robot.secret, permissions=wanted)
        assert verdict.json() == {"valid": False, "code": "missing_permission", "key_id": robot.id}


@pytest.mark.parametrize("address", ["", "nonsense", "192.0.2.256", "192.0.2.0/24", "192.0.2.7:443", " 192.0.2.7", "7"])
async def test_verify_takes_an_address_for_what_it_is_or_not_at_all(admin: Person, ada: Person, address: str) -> None:
    robot = await ada.key()
    refused = await admin.post("/v1/api-keys/verify", api_key=robot.secret, address=address)
    assert pointers(refused) == ["/address"]


async def test_an_address_or_a_network_as_long_as_a_body_is_not_looked_at(admin: Person) -> None:
    text = "1." * 100_000
    assert pointers(await admin.post("/v1/api-keys/verify", api_key="x", address=text)) == ["/address"]
    body = {"name": "x", "scopes": ["read"], "allowed_networks": [text]}
    refused = await admin.post("/v1/api-keys", **body)
    assert pointers(refused) == ["/allowed_networks/0"]
    assert "49" in refused.json()["detail"]


async def test_verify_judges_the_network_only_where_an_address_is_given(admin: Person, ada: Person) -> None:
    robot = await ada.key(allowed_networks=["192.0.2.0/24", "2001:db8::/32"])

    async def code(**asked: str) -> str:
        verdict = await admin.post("/v1/api-keys/verify", api_key=robot.secret, **asked)
        found: str = verdict.json()["code"]
        return found

    assert await code() == "valid"
    assert await code(address="192.0.2.7") == "valid"
    assert await code(address="2001:db8::7") == "valid"
    assert await code(address="::ffff:192.0.2.7") == "valid"
    assert await code(address="198.51.100.7") == "network_not_allowed"


async def test_verify_counts_its_cost_and_a_refusal_consumes_nothing(
    service: Service, admin: Person, ada: Person
) -> None:
    robot = await ada.key(limits=["10/minute"])

    async def verdict(cost: int, **asked: object) -> dict[str, object]:
        answer = await admin.post("/v1/api-keys/verify", api_key=robot.secret, cost=cost, **asked)
        found: dict[str, object] = answer.json()
        return found

    assert (await verdict(8))["code"] == "valid"
    service.advance(seconds=20)
    limited = {"valid": False, "code": "rate_limited", "key_id": robot.id, "retry_after": 40}
    assert await verdict(3) == limited
    assert (await verdict(1, permissions=["users:read"]))["code"] == "missing_permission"
    assert (await verdict(2))["code"] == "valid"
    assert await verdict(1) == limited
    service.advance(seconds=40)
    assert (await verdict(10))["code"] == "valid"


@pytest.mark.parametrize("cost", [0, -1, 1.5, "1", None, 10**7])
async def test_a_cost_is_a_positive_number(admin: Person, cost: object) -> None:
    assert pointers(await admin.post("/v1/api-keys/verify", api_key="x", cost=cost)) == ["/cost"]


async def test_verifying_needs_its_permission(service: Service, admin: Person, ada: Person) -> None:
    robot = await ada.key()
    assert refusal(await ada.post("/v1/api-keys/verify", api_key=robot.secret)) == (403, "permission_denied")
    gateway = await admin.key("api_keys:verify")
    assert (await gateway.post("/v1/api-keys/verify", api_key=robot.secret)).json()["valid"] is True
    assert refusal(await service.anyone.post("/v1/api-keys/verify", api_key=robot.secret)) == (401, "unauthenticated")


async def test_the_trail_names_the_scopes_and_never_the_secret(service: Service, ada: Person) -> None:
    robot = await ada.key("writer")
    event = next(event for event in await service.events() if event.action == "api_key.created")
    assert (event.subject, event.changes) == (f"api_key:{robot.id}", {"scopes": ["writer"]})
    assert robot.secret[26:] not in repr(await service.events())


def forged(robot: Robot, other: Robot) -> str:
    """The id of *robot* with the secret of *other*, under a checksum that fits."""
    return checked(robot.secret[:26] + other.secret[26:-6])
