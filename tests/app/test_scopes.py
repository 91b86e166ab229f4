"""Scopes that somebody defines: named sets of permissions, for every key that holds them."""

from typing import Any

import pytest

from tests.support.service import Person, Service, pointers, refusal

READ = ["projects:read", "tasks:read"]


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


async def test_a_scope_is_defined_read_listed_and_given_another_meaning(service: Service, admin: Person) -> None:
    made = await admin.put("/v1/scopes/night-shift", permissions=["tasks:read", "tasks:create"], description="d")
    view = {
        "name": "night-shift",
        "description": "d",
        "permissions": ["tasks:create", "tasks:read"],
        "built_in": False,
    }
    assert (made.status_code, made.json(), made.headers["etag"]) == (201, view, '"1"')
    assert made.headers["location"] == "/v1/scopes/night-shift"
    read = await admin.get("/v1/scopes/night-shift")
    assert (read.json(), read.headers["etag"]) == (view, '"1"')
    assert (await admin.saying(if_none_match='"1"').get("/v1/scopes/night-shift")).status_code == 304
    assert (await admin.saying(if_match='"7"').put("/v1/scopes/night-shift", permissions=[])).status_code == 412
    assert (await admin.saying(if_match='"7"').put("/v1/scopes/never", permissions=[])).status_code == 412
    again = await admin.saying(if_match='"1"').put("/v1/scopes/night-shift", permissions=["tasks:read"])
    changed = {**view, "description": None, "permissions": ["tasks:read"]}
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, changed, '"2"')
    listed = (await admin.get("/v1/scopes")).json()
    assert [scope["name"] for scope in listed["data"]] == ["night-shift", "read", "writer"]
    assert listed["data"][1] == {"name": "read", "description": None, "permissions": READ, "built_in": True}
    told = [(event.action, event.changes) for event in await service.events() if event.subject.startswith("scope")]
    assert told == [
        (
            "scope.updated",
            {
                "name": "night-shift",
                "permissions": {"before": ["tasks:create", "tasks:read"], "after": ["tasks:read"]},
                "description": {"before": "d", "after": None},
            },
        ),
        ("scope.created", {"name": "night-shift", "permissions": ["tasks:create", "tasks:read"]}),
    ]


async def test_a_key_does_what_its_scope_is_defined_to_be_at_that_moment(service: Service, admin: Person) -> None:
    ada = await service.user()
    await admin.put("/v1/scopes/ops", permissions=["projects:read"])
    robot = await ada.key("ops")
    assert robot.view["scopes"] == ["ops"]
    assert (await robot.get("/v1/whoami")).json()["permissions"] == ["projects:read"]
    await admin.put("/v1/scopes/ops", permissions=["projects:create", "users:read"])
    caller = (await robot.get("/v1/whoami")).json()
    assert (caller["scopes"], caller["permissions"]) == (["ops"], ["projects:create"])
    verdict = await admin.post("/v1/api-keys/verify", api_key=robot.secret, permissions=["projects:create"])
    assert (verdict.json()["code"], verdict.json()["scopes"]) == ("valid", ["ops"])


async def test_nobody_gives_or_keeps_by_a_scope_what_they_lack(service: Service, admin: Person) -> None:
    ada = await service.user()
    await admin.put("/v1/scopes/ops", permissions=["projects:read"])
    await admin.put("/v1/scopes/audit", permissions=["audit:read"])
    robot = await ada.key("ops")
    path = f"/v1/api-keys/{robot.id}"
    assert refusal(await ada.post("/v1/api-keys", name="x", scopes=["audit"])) == (403, "scope_exceeds_minter")
    assert refusal(await ada.patch(path, scopes=["ops", "audit"])) == (403, "scope_exceeds_minter")
    assert pointers(await ada.patch(path, scopes=["ops", "never"])) == ["/scopes/1"]
    assert pointers(await ada.post("/v1/api-keys", name="x", scopes=["never"])) == ["/scopes/0"]
    await admin.put("/v1/scopes/ops", permissions=["projects:read", "audit:read"])
    assert (await ada.patch(path, name="still hers")).status_code == 200
    sibling = await ada.key("projects:read", "api_keys:rotate")
    assert refusal(await sibling.post(f"{path}/rotate")) == (403, "scope_exceeds_minter")
    assert refusal(await ada.post("/v1/api-keys", name="x", scopes=["ops"])) == (403, "scope_exceeds_minter")


async def test_nobody_defines_a_scope_beyond_themselves(service: Service, admin: Person) -> None:
    manager = await admin.key("scopes:manage", "projects:read")
    assert (await manager.put("/v1/scopes/own", permissions=["projects:read"])).status_code == 201
    beyond = await manager.put("/v1/scopes/other", permissions=["projects:read", "users:read"])
    assert refusal(beyond) == (403, "scope_exceeds_actor")
    assert "users:read" in beyond.json()["detail"]
    await admin.put("/v1/scopes/strong", permissions=["users:read"])
    assert refusal(await manager.put("/v1/scopes/strong", permissions=[])) == (403, "scope_exceeds_actor")
    assert refusal(await manager.delete("/v1/scopes/strong")) == (403, "scope_exceeds_actor")


async def test_a_scope_that_keys_hold_is_deleted_only_by_force(service: Service, admin: Person) -> None:
    ada = await service.user()
    await admin.put("/v1/scopes/ops", permissions=["projects:read"])
    robot = await ada.key("ops", "tasks:read")
    assert refusal(await admin.delete("/v1/scopes/ops")) == (409, "scope_in_use")
    stale = await admin.saying(if_match='"7"').delete("/v1/scopes/ops?force=true")
    assert refusal(stale) == (412, "precondition_failed")
    forced = await admin.saying(prefer="wait").delete("/v1/scopes/ops?force=true")
    assert (forced.status_code, forced.headers["preference-applied"]) == (204, "wait")
    for answer in (await admin.get("/v1/scopes/ops"), await admin.delete("/v1/scopes/ops")):
        assert refusal(answer) == (404, "not_found")
    assert (await robot.get("/v1/whoami")).json()["permissions"] == ["tasks:read"]
    await admin.put("/v1/scopes/ops", permissions=["projects:read"])
    assert (await robot.get("/v1/whoami")).json()["permissions"] == ["tasks:read"]
    assert (await admin.delete("/v1/scopes/ops")).status_code == 204


@pytest.mark.parametrize("name", ["read", "writer", "projects:read"])
async def test_what_is_built_in_stays(admin: Person, name: str) -> None:
    assert (await admin.get(f"/v1/scopes/{name}")).json()["built_in"] is True
    assert refusal(await admin.put(f"/v1/scopes/{name}", permissions=[])) == (409, "built_in")
    assert refusal(await admin.delete(f"/v1/scopes/{name}?force=true")) == (409, "built_in")


@pytest.mark.parametrize("name", ["A", "a", "a:b", "-a", "a-", "a" * 65, "1a", "a%20b", "%C3%A9t%C3%A9"])
async def test_a_name_that_none_can_have_is_nowhere(admin: Person, name: str) -> None:
    assert refusal(await admin.put(f"/v1/scopes/{name}", permissions=[])) == (404, "not_found")
    assert refusal(await admin.get(f"/v1/scopes/{name}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({"description": "d"}, "/permissions"),
        ({"permissions": ["tasks:read", "never:heard"]}, "/permissions/1"),
        ({"permissions": ["read"]}, "/permissions/0"),
        ({"permissions": None}, "/permissions"),
        ({"permissions": [], "description": "x" * 1025}, "/description"),
        ({"permissions": [], "name": "x"}, ""),
    ],
)
async def test_a_scope_is_made_of_permissions_that_exist(admin: Person, body: dict[str, Any], at_fault: str) -> None:
    assert pointers(await admin.put("/v1/scopes/ops", **body)) == [at_fault]


async def test_there_are_a_hundred_scopes_at_the_most(service: Service, admin: Person) -> None:
    service.services.scopes._in_all = 1
    await admin.put("/v1/scopes/first", permissions=[])
    assert refusal(await admin.put("/v1/scopes/second", permissions=[])) == (409, "quota_reached")
    assert (await admin.put("/v1/scopes/first", permissions=[])).status_code == 200


async def test_scopes_need_their_permissions(service: Service, admin: Person) -> None:
    ada, reader = await service.user(), await admin.key("scopes:read")
    for answer in (await ada.get("/v1/scopes"), await ada.get("/v1/scopes/read")):
        assert refusal(answer) == (403, "permission_denied")
    assert (await reader.get("/v1/scopes")).status_code == 200
    for answer in (await reader.put("/v1/scopes/ops", permissions=[]), await reader.delete("/v1/scopes/ops")):
        assert answer.json()["missing_permissions"] == ["scopes:manage"]


async def test_whoever_acts_as_somebody_else_defines_nothing(service: Service, admin: Person) -> None:
    second = await service.admin("second@example.org")
    token = (await admin.post(f"/v1/users/{second.id}/impersonate")).json()["access_token"]
    acting = service.anyone.saying(authorization=f"Bearer {token}")
    assert refusal(await acting.put("/v1/scopes/ops", permissions=[])) == (403, "forbidden_in_impersonation")
    assert refusal(await acting.delete("/v1/scopes/ops")) == (403, "forbidden_in_impersonation")
