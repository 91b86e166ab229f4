"""A key's life over HTTP: changed, rotated, suspended, resumed, revoked, deleted, and ended by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import Person, Robot, Service, pointers, presenting, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


def path_of(robot: Robot) -> str:
    return f"/v1/api-keys/{robot.id}"


async def code(caller: Person | Robot, path: str = "/v1/whoami") -> str | int:
    answer = await caller.get(path)
    return answer.status_code if answer.status_code < 400 else refusal(answer)[1]


# -- changing


async def test_what_a_change_names_changes_and_the_rest_stays(service: Service, ada: Person) -> None:
    project = (await ada.project("Warehouse"))["id"]
    robot = await ada.key(description="d", metadata={"a": 1}, limits=["5/minute"])
    changed = await ada.saying(if_match='"1"').patch(
        path_of(robot),
        name=" Sorter ",
        scopes=["writer"],
        expires_in="90d",
        limits=["9/minute"],
        allowed_networks=["203.0.113.0/24"],
        project_ids=[project],
    )
    expected = {
        **robot.view,
        "name": "Sorter",
        "scopes": ["writer"],
        "expires_at": "2026-04-01T00:00:00Z",
        "limits": ["9/minute"],
        "allowed_networks": ["203.0.113.0/24"],
        "project_ids": [project],
    }
    assert (changed.status_code, changed.json(), changed.headers["etag"]) == (200, expected, '"2"')
    assert (await ada.get(path_of(robot))).json() == expected
    caller = (await robot.get("/v1/whoami")).json()
    assert caller["scopes"] == ["writer"]
    assert (await ada.saying(if_match='"1"').patch(path_of(robot), name="x")).status_code == 412


async def test_null_clears_what_can_be_nothing(ada: Person) -> None:
    members = ["description", "expires_at", "metadata", "limits", "allowed_networks", "project_ids"]
    project = (await ada.project("Warehouse"))["id"]
    given = {"limits": ["5/minute"], "allowed_networks": ["203.0.113.0/24"], "project_ids": [project]}
    robot = await ada.key(description="d", expires_in="1d", metadata={"a": 1}, **given)
    for member in members:
        assert (await ada.patch(path_of(robot), **{member: None})).status_code == 200
    plain = await ada.key()
    cleared = (await ada.get(path_of(robot))).json()
    assert {member: cleared[member] for member in members} == {member: plain.view[member] for member in members}


@pytest.mark.parametrize(
    ("members", "at_fault"),
    [
        ({}, ""),
        ({"name": None}, "/name"),
        ({"name": "  "}, "/name"),
        ({"scopes": None}, "/scopes"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["nothing:known"]}, "/scopes/0"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-02-01T00:00:00"}, "/expires_at"),
        ({"expires_in": "0s"}, "/expires_in"),
        ({"expires_in": "1d", "expires_at": None}, "/expires_in"),
        ({"metadata": {"a": "x" * 4096}}, "/metadata"),
        ({"limits": ["5/minute", "6/minute"]}, "/limits"),
        ({"allowed_networks": ["192.0.2.1/24"]}, "/allowed_networks/0"),
        ({"project_ids": ["x"]}, "/project_ids/0"),
        ({"owner_id": "x"}, ""),
    ],
)
async def test_a_change_that_cannot_be_is_refused_by_name(
    ada: Person, members: dict[str, object], at_fault: str
) -> None:
    robot = await ada.key()
    assert pointers(await ada.patch(path_of(robot), **members)) == [at_fault]
    assert (await ada.get(path_of(robot))).json() == robot.view


async def test_the_operators_cap_counts_from_the_keys_beginning() -> None:
    service = Service(memory_ports(rules=replace(NO_LIMITS, key_max_lifetime=timedelta(days=30))))
    ada = await service.user()
    robot = await ada.key(expires_in="1d")
    service.advance(minutes=5)
    assert pointers(await ada.patch(path_of(robot), expires_in="30d")) == ["/expires_at"]
    assert pointers(await ada.patch(path_of(robot), expires_at=None)) == ["/expires_at"]
    prolonged = await ada.patch(path_of(robot), expires_at="2026-01-31T00:00:00Z")
    assert prolonged.json()["expires_at"] == "2026-01-31T00:00:00Z"


async def test_nobody_lifts_a_key_above_themselves(service: Service, ada: Person, admin: Person) -> None:
    robot = await ada.key()
    for scope in ("users:read", "projects:any"):
        assert refusal(await ada.patch(path_of(robot), scopes=[scope])) == (403, "scope_exceeds_minter")
    helper = await admin.key("read", "api_keys:update", "api_keys:rotate", "api_keys:any")
    strong = await admin.key("writer")
    for wanted in ({"name": "x"}, {"scopes": ["read", "writer"]}, {"expires_in": "1d"}):
        assert refusal(await helper.patch(path_of(strong), **wanted)) == (403, "scope_exceeds_minter")
    assert refusal(await helper.post(f"{path_of(strong)}/rotate")) == (403, "scope_exceeds_minter")
    assert refusal(await helper.post(f"{path_of(strong)}/resume")) == (403, "scope_exceeds_minter")
    assert (await helper.post(f"{path_of(strong)}/suspend")).status_code == 200
    assert (await helper.patch(path_of(strong), scopes=["read"])).status_code == 200
    assert (await helper.post(f"{path_of(strong)}/rotate")).status_code == 200
    assert (await helper.patch(path_of(robot), name="Ada's")).status_code == 200


async def test_a_key_that_edits_keys_takes_no_bound_off_not_its_own_either(ada: Person) -> None:
    project = (await ada.project("Warehouse"))["id"]
    bounds = {
        "expires_in": "1d",
        "project_ids": [project],
        "allowed_networks": ["203.0.113.0/24"],
        "limits": ["500/minute"],
    }
    editor = await ada.key("read", "api_keys:create", "api_keys:update", "api_keys:rotate", **bounds)
    child = (await editor.post("/v1/api-keys", name="child", scopes=["read"], **bounds)).json()["key"]
    for path in (path_of(editor), f"/v1/api-keys/{child['id']}"):
        for member, looser in (
            ("expires_at", None),
            ("expires_in", "2d"),
            ("project_ids", []),
            ("allowed_networks", None),
            ("allowed_networks", ["0.0.0.0/0"]),
            ("limits", None),
            ("limits", ["501/minute"]),
            ("scopes", ["writer"]),
        ):
            answer = await editor.patch(path, **{member: looser})
            assert refusal(answer) == (403, "scope_exceeds_minter"), (path, member)
        assert (await editor.patch(path, limits=["400/minute"], allowed_networks=["203.0.113.7"])).status_code == 200
    free = await ada.key("read")
    assert refusal(await editor.post(f"{path_of(free)}/rotate")) == (403, "scope_exceeds_minter")


async def test_what_a_minter_is_bound_to_binds_what_it_mints(ada: Person) -> None:
    minter = await ada.key("read", "api_keys:create", allowed_networks=["203.0.113.0/24"], limits=["500/minute"])

    async def mint(**members: object) -> tuple[int, str]:
        wanted = {"name": "child", "scopes": ["read"], "allowed_networks": ["203.0.113.7"], "limits": ["9/minute"]}
        answer = await minter.post("/v1/api-keys", **{**wanted, **members})
        return (201, "") if answer.status_code == 201 else refusal(answer)

    assert await mint() == (201, "")
    assert await mint(allowed_networks=[]) == (403, "scope_exceeds_minter")
    assert await mint(allowed_networks=["203.0.112.0/23"]) == (403, "scope_exceeds_minter")
    assert await mint(limits=[]) == (403, "scope_exceeds_minter")
    assert await mint(limits=["501/minute"]) == (403, "scope_exceeds_minter")


async def test_what_a_key_held_already_its_owner_and_the_key_itself_may_leave_to_it(
    service: Service, ada: Person
) -> None:
    """As after a role was taken from the owner: rotating is still better than not."""
    robot = await service.given_key(ada, "users:read", "api_keys:rotate", "api_keys:update")
    assert (await ada.patch(path_of(robot), name="renamed")).status_code == 200
    assert (await ada.patch(path_of(robot), scopes=["users:read", "api_keys:rotate"])).status_code == 200
    turned = await robot.post(f"{path_of(robot)}/rotate", grace="1h")
    assert turned.status_code == 200
    sibling = await ada.key("api_keys:rotate")
    assert refusal(await sibling.post(f"{path_of(robot)}/rotate")) == (403, "scope_exceeds_minter")


# -- rotating


async def test_a_rotation_shows_a_new_secret_and_ends_the_old_one(service: Service, ada: Person) -> None:
    robot = await ada.key()
    service.advance(seconds=1)
    answer = await ada.post(f"{path_of(robot)}/rotate")
    secret, key = answer.json()["api_key"], answer.json()["key"]
    assert answer.json() == {"key": key, "api_key": secret, "effective_at": "2026-01-01T00:00:01.500000Z"}
    assert answer.headers["cache-control"] == "no-store"
    assert key["versions"] == [
        {
            "version": 1,
            "created_at": "2026-01-01T00:00:00Z",
            "retires_at": "2026-01-01T00:00:01Z",
            "last_used_at": None,
        },
        {"version": 2, "created_at": "2026-01-01T00:00:01Z", "retires_at": None, "last_used_at": None},
    ]
    assert key["last4"] == secret[-4:]
    assert (key["prefix"], key["id"]) == (robot.view["prefix"], robot.id)
    assert await code(robot) == "invalid_credential"
    renewed = service.anyone.saying(**presenting(secret))
    assert (await renewed.get("/v1/api-keys/self")).json() == key


async def test_in_its_grace_an_old_secret_is_told_when_it_ends(service: Service, ada: Person) -> None:
    robot = await ada.key("read")
    service.advance(minutes=5)
    new = (await ada.post(f"{path_of(robot)}/rotate", grace="24h")).json()["api_key"]
    for path in ("/v1/whoami", "/v1/api-keys", "/v1/projects/nonsense", "/v1/me", "/v1/projects?limit=0"):
        answer = await robot.get(path)
        assert answer.headers["deprecation"] == "@1767225900", path
        assert answer.headers["sunset"] == "Fri, 02 Jan 2026 00:05:00 GMT", path
    newer = await service.anyone.saying(**presenting(new)).get("/v1/whoami")
    assert not {"deprecation", "sunset"} & set(newer.headers)
    service.advance(hours=24, seconds=-1)
    assert await code(robot) == 200
    service.advance(seconds=1)
    assert await code(robot) == "invalid_credential"


async def test_an_old_secret_is_told_its_end_beside_its_limits() -> None:
    service = Service(memory_ports())
    ada = await service.user()
    robot = await ada.key(limits=["1/minute"])
    await ada.post(f"{path_of(robot)}/rotate", grace="24h")
    for status in (200, 429):
        answer = await robot.get("/v1/whoami")
        assert answer.status_code == status
        assert {"deprecation", "sunset", "ratelimit", "ratelimit-policy"} <= set(answer.headers)


async def test_rotating_again_ends_the_older_secret_whatever_its_grace(service: Service, ada: Person) -> None:
    robot = await ada.key(limits=["500/minute"])
    second = (await ada.post(f"{path_of(robot)}/rotate", grace="30d")).json()["api_key"]
    third = (await ada.post(f"{path_of(robot)}/rotate", grace="30d")).json()["api_key"]
    assert await code(robot) == "invalid_credential"
    for secret in (second, third):
        assert (await service.anyone.saying(**presenting(secret)).get("/v1/whoami")).status_code == 200


async def test_no_grace_outlives_the_key(ada: Person) -> None:
    robot = await ada.key(expires_in="1h")
    rotated = (await ada.post(f"{path_of(robot)}/rotate", grace="24h")).json()["key"]
    assert rotated["versions"][0]["retires_at"] == rotated["expires_at"] == "2026-01-01T01:00:00Z"


@pytest.mark.parametrize("grace", ["31d", "", "1", "-1h", "30d ", None, 5])
async def test_a_grace_is_a_duration_of_thirty_days_at_the_most(ada: Person, grace: object) -> None:
    robot = await ada.key()
    assert pointers(await ada.post(f"{path_of(robot)}/rotate", grace=grace)) == ["/grace"]
    assert await code(robot) == 200


async def test_a_key_with_the_permission_rotates_itself(service: Service, ada: Person) -> None:
    robot, without = await ada.key("read", "api_keys:rotate", expires_in="1d"), await ada.key("read")
    assert (await robot.post(f"{path_of(robot)}/rotate")).status_code == 200
    assert refusal(await without.post(f"{path_of(without)}/rotate")) == (403, "permission_denied")


async def test_a_suspended_key_is_rotated_and_stays_suspended(service: Service, ada: Person) -> None:
    robot = await ada.key()
    await ada.post(f"{path_of(robot)}/suspend")
    rotated = (await ada.post(f"{path_of(robot)}/rotate")).json()
    assert rotated["key"]["status"] == "suspended"
    renewed = await service.anyone.saying(**presenting(rotated["api_key"])).get("/v1/whoami")
    assert refusal(renewed) == (401, "key_suspended")


# -- suspending, resuming, revoking, deleting


async def test_a_suspended_key_waits_until_it_is_resumed(service: Service, ada: Person) -> None:
    robot = await ada.key()
    for _ in range(2):
        answer = await ada.post(f"{path_of(robot)}/suspend")
        assert answer.json() == {
            "key": {**robot.view, "status": "suspended"},
            "effective_at": "2026-01-01T00:00:00.500000Z",
        }
        assert await code(robot) == "key_suspended"
    for _ in range(2):
        assert (await ada.post(f"{path_of(robot)}/resume")).json()["key"] == robot.view
        assert await code(robot) == 200
    actions = [event.action for event in await service.events()]
    assert (actions.count("api_key.suspended"), actions.count("api_key.resumed")) == (1, 1)


async def test_what_has_ended_is_neither_resumed_nor_changed(service: Service, ada: Person) -> None:
    revoked, expired = await ada.key(), await ada.key(expires_in="1m")
    await ada.post(f"{path_of(revoked)}/revoke")
    service.advance(minutes=1)
    for robot in (revoked, expired):
        for verb in ("resume", "suspend", "rotate"):
            assert refusal(await ada.post(f"{path_of(robot)}/{verb}")) == (409, "key_ended")
        assert refusal(await ada.patch(path_of(robot), expires_in="1d")) == (409, "key_ended")
        assert (await ada.post(f"{path_of(robot)}/revoke")).status_code == 200


async def test_a_deleted_key_is_gone_and_the_trail_still_tells_of_it(service: Service, admin: Person) -> None:
    robot = await admin.key(name="Mistake")
    assert (await admin.saying(if_match='"7"').delete(path_of(robot))).status_code == 412
    assert (await admin.delete(path_of(robot))).status_code == 204
    assert await code(robot) == "invalid_credential"
    for answer in (await admin.get(path_of(robot)), await admin.delete(path_of(robot))):
        assert refusal(answer) == (404, "not_found")
    told = [(event.action, event.changes) for event in await service.events() if robot.id in event.subject]
    assert told == [("api_key.deleted", {"name": "Mistake"}), ("api_key.created", {"scopes": ["read"]})]


async def test_deleting_needs_a_permission_that_a_member_lacks(ada: Person) -> None:
    robot = await ada.key()
    refused = await ada.delete(path_of(robot))
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["missing_permissions"] == ["api_keys:delete"]


@pytest.mark.parametrize("verb", ["", "/rotate", "/suspend", "/resume", "/revoke"])
async def test_a_key_of_somebody_else_is_not_there(service: Service, ada: Person, verb: str) -> None:
    robot, bob = await ada.key(), await service.user()
    answer = await (bob.post(f"{path_of(robot)}{verb}") if verb else bob.patch(path_of(robot), name="x"))
    assert refusal(answer) == (404, "not_found")
    if verb:
        stale = await ada.saying(if_match='"7"').post(f"{path_of(robot)}{verb}")
        assert refusal(stale) == (412, "precondition_failed")


async def test_the_trail_tells_each_turn(service: Service, ada: Person) -> None:
    robot = await ada.key()
    await ada.patch(path_of(robot), name="Sorter")
    secret = (await ada.post(f"{path_of(robot)}/rotate", grace="1h")).json()["api_key"]
    for verb in ("suspend", "resume", "revoke"):
        await ada.post(f"{path_of(robot)}/{verb}")
    told = {event.action: event.changes for event in await service.events() if robot.id in event.subject}
    assert list(told)[::-1] == [
        f"api_key.{verb}" for verb in ("created", "updated", "rotated", "suspended", "resumed", "revoked")
    ]
    assert told["api_key.updated"] == {"name": {"before": "robot", "after": "Sorter"}}
    assert told["api_key.rotated"] == {"version": 2, "grace": "1h"}
    assert secret[26:] not in repr(told)


# -- ending itself


async def test_a_key_ends_itself_without_a_permission_suspended_and_from_anywhere(
    service: Service, ada: Person
) -> None:
    robot = await ada.key("tasks:read", allowed_networks=["192.0.2.0/24"])
    await ada.post(f"{path_of(robot)}/suspend")
    assert await code(robot) == "key_suspended"
    assert (await robot.post("/v1/api-keys/revoke-self")).status_code == 204
    assert (await ada.get(path_of(robot))).json()["status"] == "revoked"
    assert refusal(await robot.post("/v1/api-keys/revoke-self")) == (401, "key_revoked")
    event = (await service.events())[0]
    assert (event.action, event.changes, str(event.key_id)) == ("api_key.revoked", {"version": 1}, robot.id)


async def test_an_older_secret_ends_only_itself(service: Service, ada: Person) -> None:
    robot = await ada.key()
    new = (await ada.post(f"{path_of(robot)}/rotate", grace="24h")).json()["api_key"]
    assert (await robot.post("/v1/api-keys/revoke-self")).status_code == 204
    assert await code(robot) == "invalid_credential"
    assert (await service.anyone.saying(**presenting(new)).get("/v1/whoami")).status_code == 200
    versions = (await ada.get(path_of(robot))).json()["versions"]
    assert versions[0]["retires_at"] == "2026-01-01T00:00:00Z"


async def test_only_a_key_ends_itself_and_only_while_it_lives(service: Service, ada: Person) -> None:
    path = "/v1/api-keys/revoke-self"
    expired, orphan = await ada.key(expires_in="1m"), await (gone := await service.user()).key()
    await service.deactivate(gone)
    assert refusal(await ada.post(path)) == (403, "credential_kind_not_allowed")
    assert refusal(await service.anyone.post(path)) == (401, "unauthenticated")
    assert refusal(await orphan.post(path)) == (401, "invalid_credential")
    service.advance(minutes=1)
    assert refusal(await expired.post(path)) == (401, "key_expired")
