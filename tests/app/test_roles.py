"""Roles: named sets of permissions, who holds them, and what that means for every credential at once."""

from uuid import uuid4

import pytest

from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from tests.support.service import Person, Service, pointers, refusal

ABSENT = f"/v1/roles/{uuid4()}"


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


async def made(admin: Person, name: str = "auditor", *permissions: str) -> str:
    """The path of a new role."""
    answer = await admin.post("/v1/roles", name=name, permissions=permissions)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    return path


async def test_a_role_is_created_as_it_is_read(admin: Person) -> None:
    created = await admin.post(
        "/v1/roles", name=" Auditor ", description="Reads.", permissions=["roles:read", "audit:read", "roles:read"]
    )
    role = created.json()
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    assert created.headers["location"] == f"/v1/roles/{role['id']}"
    assert role == {
        "id": role["id"],
        "name": "Auditor",
        "description": "Reads.",
        "permissions": ["audit:read", "roles:read"],
        "is_active": True,
        "built_in": False,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    read = await admin.get(created.headers["location"])
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, role, '"1"')
    assert (await admin.saying(if_none_match='"1"').get(created.headers["location"])).status_code == 304


async def test_the_list_begins_with_the_built_in_ones(admin: Person) -> None:
    await made(admin)
    answer = (await admin.get("/v1/roles?sorting=created_at,name")).json()
    assert [(role["name"], role["built_in"]) for role in answer["data"]] == [
        ("admin", True),
        ("member", True),
        ("auditor", False),
    ]
    assert (answer["total"], answer["limit"], answer["offset"]) == (3, 50, 0)
    everything, member, _ = answer["data"]
    assert set(everything["permissions"]) == CORE_PERMISSIONS
    assert set(member["permissions"]) == MEMBER_PERMISSIONS


async def test_every_permission_that_exists_is_listed(admin: Person) -> None:
    listed = (await admin.get("/v1/permissions")).json()
    assert [permission["name"] for permission in listed["data"]] == sorted(CORE_PERMISSIONS)
    assert listed["total"] == len(CORE_PERMISSIONS)


async def test_a_name_is_unique(admin: Person) -> None:
    path = await made(admin)
    assert refusal(await admin.post("/v1/roles", name=" auditor", permissions=[])) == (409, "role_name_taken")
    assert refusal(await admin.post("/v1/roles", name="admin", permissions=[])) == (409, "role_name_taken")
    other = await made(admin, "Auditor")
    assert refusal(await admin.patch(other, name="auditor")) == (409, "role_name_taken")
    assert (await admin.patch(path, name="auditor")).status_code == 200


@pytest.mark.parametrize(
    ("members", "at_fault"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 129}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": None}, "/name"),
        ({"description": "x" * 1025}, "/description"),
        ({"permissions": None}, "/permissions"),
        ({"permissions": ["roles:read", "fly"]}, "/permissions/1"),
        ({"permissions": ["Roles:read"]}, "/permissions/0"),
        ({"permissions": ["roles:*"]}, "/permissions/0"),
        ({"permissions": "roles:read"}, "/permissions"),
        ({"built_in": True}, ""),
        ({"id": str(uuid4())}, ""),
    ],
)
async def test_input_that_cannot_be_is_refused_by_name(
    admin: Person, members: dict[str, object], at_fault: str
) -> None:
    path = await made(admin)
    assert pointers(await admin.post("/v1/roles", **{"name": "a", "permissions": [], **members})) == [at_fault]
    assert pointers(await admin.patch(path, **members)) == [at_fault]


async def test_a_patch_changes_what_it_names_and_null_clears(service: Service, admin: Person) -> None:
    path = await made(admin, "auditor", "audit:read")
    service.advance(seconds=1)
    described = (await admin.patch(path, description="Reads.")).json()
    assert (described["name"], described["description"], described["permissions"]) == (
        "auditor",
        "Reads.",
        ["audit:read"],
    )
    assert described["updated_at"] == "2026-01-01T00:00:01Z"
    assert (await admin.patch(path, description=None)).json()["description"] is None
    assert (await admin.patch(path, permissions=[])).json()["permissions"] == []
    assert pointers(await admin.patch(path)) == [""]
    assert pointers(await admin.patch(path, is_active=None)) == ["/is_active"]


async def test_whoever_read_another_version_changes_nothing(admin: Person) -> None:
    path = await made(admin)
    assert (await admin.saying(if_match='"1"').patch(path, description="a")).headers["etag"] == '"2"'
    stale = admin.saying(if_match='"1"')
    assert refusal(await stale.patch(path, description="b")) == (412, "precondition_failed")
    assert refusal(await stale.delete(path)) == (412, "precondition_failed")
    assert (await admin.saying(if_match='"2"').delete(path)).status_code == 204


async def test_a_role_that_is_not_there_is_not_found(admin: Person) -> None:
    user = (await admin.get("/v1/me")).json()["id"]
    for method, path in (
        ("GET", ABSENT),
        ("DELETE", ABSENT),
        ("GET", f"{ABSENT}/users"),
        ("PUT", f"{ABSENT}/permissions/audit:read"),
        ("DELETE", f"{ABSENT}/permissions/audit:read"),
        ("PUT", f"{ABSENT}/users/{user}"),
        ("DELETE", f"{ABSENT}/users/{user}"),
        ("PUT", f"/v1/roles/{MEMBER_ID}/users/{uuid4()}"),
        ("GET", f"/v1/users/{uuid4()}/roles"),
        ("GET", "/v1/roles/nonsense"),
    ):
        assert refusal(await admin.send(method, path)) == (404, "not_found"), path
    assert refusal(await admin.patch(ABSENT, name="a")) == (404, "not_found")


@pytest.mark.parametrize("role_id", [ADMIN_ID, MEMBER_ID])
async def test_what_is_built_in_is_not_changed(admin: Person, role_id: object) -> None:
    path = f"/v1/roles/{role_id}"
    for answer in (
        await admin.patch(path, name="mine"),
        await admin.patch(path, is_active=False),
        await admin.patch(path, permissions=[]),
        await admin.delete(path),
        await admin.delete(f"{path}?force=true"),
        await admin.send("PUT", f"{path}/permissions/audit:read"),
        await admin.delete(f"{path}/permissions/audit:read"),
    ):
        assert refusal(answer) == (409, "built_in")
    stale = admin.saying(if_match='"9"')
    assert refusal(await stale.patch(path, name="mine")) == (412, "precondition_failed")
    assert refusal(await stale.delete(path)) == (412, "precondition_failed")


async def test_a_role_that_somebody_holds_goes_only_by_force(service: Service, admin: Person) -> None:
    path = await made(admin, "auditor", "audit:read")
    ada = await service.user()
    assert (await admin.put(f"{path}/users/{ada.id}")).status_code == 204
    assert refusal(await admin.delete(path)) == (409, "role_in_use")
    assert pointers(await admin.delete(f"{path}?force=yes")) == ["/force"]
    assert (await ada.get("/v1/audit-events")).status_code == 200
    assert (await admin.delete(f"{path}?force=true")).status_code == 204
    assert refusal(await ada.get("/v1/audit-events")) == (403, "permission_denied")
    assert refusal(await admin.get(path)) == (404, "not_found")
    assert [role["name"] for role in (await ada.get("/v1/me")).json()["roles"]] == ["member"]


async def test_an_inactive_role_grants_nothing_to_any_credential(service: Service, admin: Person) -> None:
    ada = await service.person_with("projects:read", "api_keys:create")
    robot, browser = await ada.key("projects:read"), await service.browser(ada)
    [role] = (await admin.get(f"/v1/users/{ada.id}/roles")).json()["data"]
    for caller in (ada, robot, browser):
        assert (await caller.get("/v1/projects")).status_code == 200

    assert (await admin.patch(f"/v1/roles/{role['id']}", is_active=False)).json()["is_active"] is False
    for caller in (ada, robot, browser):
        assert refusal(await caller.get("/v1/projects")) == (403, "permission_denied")
        assert (await caller.get("/v1/whoami")).json()["permissions"] == []
    me = (await ada.get("/v1/me")).json()
    assert ([held["name"] for held in me["roles"]], me["permissions"]) == ([role["name"]], [])
    assert (await admin.get(f"/v1/roles/{role['id']}")).json()["permissions"] == ["api_keys:create", "projects:read"]

    await admin.patch(f"/v1/roles/{role['id']}", is_active=True)
    for caller in (ada, robot, browser):
        assert (await caller.get("/v1/projects")).status_code == 200


async def test_permissions_come_and_go_one_by_one(service: Service, admin: Person) -> None:
    path = await made(admin)
    permission = f"{path}/permissions/audit:read"
    for _ in range(2):
        put = await admin.send("PUT", permission)
        assert (put.status_code, put.content) == (204, b"")
    assert (await admin.get(path)).json()["permissions"] == ["audit:read"]
    for _ in range(2):
        assert (await admin.delete(permission)).status_code == 204
    again = await admin.get(path)
    assert (again.json()["permissions"], again.headers["etag"]) == ([], '"3"')
    for unknown in ("audit:write", "nonsense", "roles:*", "AUDIT:READ"):
        for method in ("PUT", "DELETE"):
            assert refusal(await admin.send(method, f"{path}/permissions/{unknown}")) == (404, "not_found")
    changes = [event.changes for event in await service.events() if event.action == "role.updated"]
    assert [change["permissions"] for change in changes] == [
        {"before": ["audit:read"], "after": []},
        {"before": [], "after": ["audit:read"]},
    ]


async def test_roles_are_given_and_taken_and_said_again_nothing_changes(service: Service, admin: Person) -> None:
    path = await made(admin, "auditor", "audit:read")
    ada = await service.user("ada@example.org")
    before = (await ada.get("/v1/me")).json()["permissions"]
    for _ in range(2):
        assert (await admin.put(f"{path}/users/{ada.id}")).status_code == 204
    me = (await ada.get("/v1/me")).json()
    assert [role["name"] for role in me["roles"]] == ["auditor", "member"]
    assert set(me["permissions"]) == {*before, "audit:read"}
    members = (await admin.get(f"{path}/users")).json()
    assert [member["email"] for member in members["data"]] == ["ada@example.org"]
    held = (await admin.get(f"/v1/users/{ada.id}/roles")).json()
    assert ([role["name"] for role in held["data"]], held["total"]) == (["auditor", "member"], 2)
    for _ in range(2):
        assert (await admin.delete(f"{path}/users/{ada.id}")).status_code == 204
    assert (await ada.get("/v1/me")).json()["permissions"] == before
    assert (await admin.get(f"{path}/users")).json()["total"] == 0
    told = [event for event in await service.events() if event.subject == f"role:{path.rpartition('/')[2]}"]
    assert [event.action for event in told] == ["role.revoked", "role.granted", "role.created"]
    assert [event.changes["user_id"] for event in told[:2]] == [ada.id, ada.id]


async def test_an_edit_that_changes_nothing_is_no_event_and_no_new_version(service: Service, admin: Person) -> None:
    path = await made(admin, "auditor", "audit:read")
    same = await admin.patch(path, name="auditor", permissions=["audit:read"])
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert "role.updated" not in {event.action for event in await service.events()}


async def test_only_who_may_read_or_manage_roles_does(service: Service, admin: Person) -> None:
    path = await made(admin)
    ada = await service.user()
    reader = await service.person_with("roles:read")
    manager = await service.person_with("roles:manage")
    for read in ("/v1/roles", path, "/v1/permissions", f"/v1/users/{ada.id}/roles"):
        assert refusal(await ada.get(read)) == (403, "permission_denied")
        assert (await reader.get(read)).status_code == 200
    lacking = await reader.get(f"{path}/users")
    assert (refusal(lacking), lacking.json()["missing_permissions"]) == ((403, "permission_denied"), ["users:read"])
    for caller in (ada, reader):
        assert refusal(await caller.post("/v1/roles", name="b", permissions=[])) == (403, "permission_denied")
        assert refusal(await caller.patch(path, name="b")) == (403, "permission_denied")
        assert refusal(await caller.delete(path)) == (403, "permission_denied")
        for method in ("PUT", "DELETE"):
            for tail in ("permissions/audit:read", f"users/{ada.id}"):
                assert refusal(await caller.send(method, f"{path}/{tail}")) == (403, "permission_denied")
    assert (await manager.post("/v1/roles", name="b", permissions=[])).status_code == 201


async def test_a_key_makes_roles_of_what_it_may_do_and_gives_none(service: Service, admin: Person) -> None:
    robot = await admin.key("roles:manage", "roles:read")
    path = (await robot.post("/v1/roles", name="reader", permissions=["roles:read"])).headers["location"]
    beyond = await robot.post("/v1/roles", name="auditor", permissions=["audit:read"])
    assert refusal(beyond) == (403, "role_exceeds_actor")
    user = await service.user()
    for method in ("PUT", "DELETE"):
        for tail in (f"users/{user.id}", "permissions/roles:read"):
            assert refusal(await robot.send(method, f"{path}/{tail}")) == (403, "credential_kind_not_allowed")


async def test_nobody_makes_changes_or_gives_what_they_may_not_do(service: Service, admin: Person) -> None:
    manager = await service.person_with("roles:manage", "roles:read", "projects:read")
    beyond, within = await made(admin, "auditor", "audit:read"), await made(admin, "reader", "projects:read")
    for answer in (
        await manager.post("/v1/roles", name="b", permissions=["projects:read", "audit:read"]),
        await manager.patch(beyond, permissions=["projects:read"]),
        await manager.patch(beyond, is_active=False),
        await manager.patch(within, permissions=["audit:read"]),
        await manager.delete(beyond),
        await manager.send("PUT", f"{within}/permissions/audit:read"),
        await manager.delete(f"{beyond}/permissions/audit:read"),
        await manager.put(f"{beyond}/users/{manager.id}"),
        await manager.put(f"/v1/roles/{ADMIN_ID}/users/{manager.id}"),
        await manager.delete(f"{beyond}/users/{manager.id}"),
    ):
        assert refusal(answer) == (403, "role_exceeds_actor")
    assert (await manager.put(f"{within}/users/{manager.id}")).status_code == 204
    for method in ("PUT", "DELETE"):
        above = await manager.send(method, f"{within}/users/{admin.id}")
        assert refusal(above) == (403, "target_exceeds_actor")


async def test_an_inactive_role_is_not_switched_on_by_who_lacks_what_it_would_grant(
    service: Service, admin: Person
) -> None:
    path = await made(admin, "auditor", "audit:read")
    await admin.patch(path, is_active=False)
    manager = await service.person_with("roles:manage", "roles:read")
    assert refusal(await manager.patch(path, is_active=True)) == (403, "role_exceeds_actor")
    assert refusal(await manager.put(f"{path}/users/{manager.id}")) == (403, "role_exceeds_actor")
