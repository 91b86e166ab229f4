"""Acting as somebody else: for a quarter of an hour, never upwards, never nested, never on credentials."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from uuid import uuid4

import pytest

from app.http.csrf import SAFE
from app.http.doors import Door
from domain.model.permissions import MEMBER_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from tests.support.ports import memory_ports
from tests.support.service import PASSWORD, Caller, Person, Service, presenting, refusal

SAMPLE = Service(memory_ports())
OTHER_PASSWORD = "another horse battery staple"


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def acting(service: Service, ada: Person, admin: Person) -> Caller:
    return await service.acting_as(ada, admin)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return read


async def test_the_answer_is_a_token_for_fifteen_minutes_and_no_more(
    service: Service, admin: Person, ada: Person
) -> None:
    answer = await admin.post(f"/v1/users/{ada.id}/impersonate")
    assert (answer.status_code, set(answer.json())) == (200, {"access_token", "expires_in"})
    assert (answer.json()["expires_in"], answer.headers["cache-control"]) == (900, "no-store")
    assert "set-cookie" not in answer.headers
    token = answer.json()["access_token"]
    told = claims(token)
    assert (told["sub"], told["act"], told["exp"] - told["iat"]) == (ada.id, {"sub": admin.id}, 900)
    introspected = await admin.send("POST", "/v1/auth/introspect", data={"token": token})
    assert (introspected.json()["active"], introspected.json()["act"]) == (True, {"sub": admin.id})
    caller = await service.anyone.send("GET", "/v1/whoami", headers=presenting(token))
    assert (caller.json()["kind"], caller.json()["user_id"]) == ("user", ada.id)


async def test_it_ends_after_fifteen_minutes_however_it_is_used(service: Service, acting: Caller) -> None:
    for _ in range(14):
        service.advance(minutes=1)
        assert (await acting.get("/v1/whoami")).status_code == 200
    service.advance(minutes=1)
    assert refusal(await acting.get("/v1/whoami")) == (401, "invalid_credential")
    service.advance(minutes=2)
    assert refusal(await acting.get("/v1/whoami")) == (401, "invalid_credential")


async def test_whoever_acts_sees_and_does_what_the_user_does(ada: Person, acting: Caller) -> None:
    project = await ada.project("Warehouse")
    assert (await acting.get(f"/v1/projects/{project['id']}")).status_code == 200
    assert (await acting.post("/v1/projects", name="Depot")).json()["owner_id"] == ada.id
    assert (await acting.get("/v1/me")).json()["id"] == ada.id
    assert (await acting.get("/v1/whoami")).json()["permissions"] == sorted(MEMBER_PERMISSIONS)


async def test_both_are_in_the_trail(service: Service, admin: Person, ada: Person, acting: Caller) -> None:
    await acting.saying(x_request_id="a-request").post("/v1/projects", name="Depot")
    done, began = (await service.events(2))[0], next(e for e in await service.events() if "imperson" in e.action)
    assert (done.action, str(done.user_id), str(done.real_user_id)) == ("project.created", ada.id, admin.id)
    assert (done.request_id, done.address) == ("a-request", "203.0.113.7")
    assert (began.action, began.subject) == ("user.impersonated", f"user:{ada.id}")
    assert (str(began.user_id), began.real_user_id) == (admin.id, None)
    assert began.changes == {"session_id": str(done.session_id)}


async def test_the_user_sees_it_among_their_sessions_and_may_end_it(ada: Person, acting: Caller) -> None:
    sessions = (await ada.get("/v1/me/sessions")).json()["data"]
    [foreign] = [session for session in sessions if session["kind"] == "impersonation"]
    assert foreign["current"] is False
    assert (await ada.delete(f"/v1/me/sessions/{foreign['id']}")).status_code == 204
    assert refusal(await acting.get("/v1/whoami")) == (401, "invalid_credential")


async def test_however_often_it_is_done_the_user_stays_signed_in(admin: Person, ada: Person) -> None:
    for _ in range(25):
        assert (await admin.post(f"/v1/users/{ada.id}/impersonate")).status_code == 200
    sessions = (await ada.get("/v1/me/sessions")).json()["data"]
    assert sorted(session["kind"] for session in sessions) == ["impersonation"] * 20 + ["token"]


async def test_it_is_never_upwards(service: Service, admin: Person, ada: Person) -> None:
    support = await service.person_with("users:impersonate", "projects:read")
    for target in (admin, ada):
        refused = await support.post(f"/v1/users/{target.id}/impersonate")
        assert refusal(refused) == (403, "target_exceeds_actor")
    below = await service.person_with("projects:read")
    assert (await support.post(f"/v1/users/{below.id}/impersonate")).status_code == 200


async def test_it_is_never_nested(service: Service, admin: Person) -> None:
    support = await service.person_with("users:impersonate")
    below = await service.person_with()
    acting = await service.acting_as(support, admin)
    refused = await acting.post(f"/v1/users/{below.id}/impersonate")
    assert refusal(refused) == (403, "forbidden_in_impersonation")


async def test_nobody_acts_as_who_is_not_active(service: Service, admin: Person, ada: Person) -> None:
    await admin.delete(f"/v1/users/{ada.id}")
    assert refusal(await admin.post(f"/v1/users/{ada.id}/impersonate")) == (409, "user_inactive")


async def test_it_does_not_grow_with_the_user(service: Service, admin: Person) -> None:
    support = await service.person_with("users:impersonate", "projects:read")
    below = await service.person_with("projects:read")
    acting = await service.acting_as(below, support)
    await admin.put(f"/v1/roles/{ADMIN_ID}/users/{below.id}")
    assert (await acting.get("/v1/whoami")).json()["permissions"] == ["projects:read", "users:impersonate"]
    assert refusal(await acting.get("/v1/users")) == (403, "permission_denied")


@pytest.mark.parametrize("what", ["deactivated", "demoted", "password set", "user deactivated"])
async def test_it_ends_with_what_it_stands_on(service: Service, admin: Person, what: str) -> None:
    support, below = await service.person_with("users:impersonate"), await service.person_with()
    acting = await service.acting_as(below, support)
    assert (await acting.get("/v1/whoami")).status_code == 200
    match what:
        case "deactivated":
            await admin.delete(f"/v1/users/{support.id}")
        case "demoted":
            [role] = (await admin.get(f"/v1/users/{support.id}/roles")).json()["data"]
            await admin.patch(f"/v1/roles/{role['id']}", is_active=False)
        case "password set":
            await admin.put(f"/v1/users/{support.id}/password", new_password=OTHER_PASSWORD)
        case "user deactivated":
            await admin.delete(f"/v1/users/{below.id}")
    assert refusal(await acting.get("/v1/whoami")) == (401, "invalid_credential")


async def test_whoever_acts_may_stop(service: Service, admin: Person, ada: Person, acting: Caller) -> None:
    assert (await acting.delete("/v1/auth/session")).status_code == 204
    assert refusal(await acting.get("/v1/whoami")) == (401, "invalid_credential")
    assert (await ada.get("/v1/whoami")).status_code == 200
    assert (await admin.get("/v1/whoami")).status_code == 200
    ended = (await service.events(1))[0]
    assert (ended.action, str(ended.user_id), str(ended.real_user_id)) == ("session.ended", ada.id, admin.id)


async def test_where_the_password_must_be_changed_whoever_acts_goes_on(
    service: Service, admin: Person, ada: Person
) -> None:
    await admin.put(f"/v1/users/{ada.id}/password", new_password=OTHER_PASSWORD)
    acting = await service.acting_as(ada, admin)
    assert (await acting.get("/v1/projects")).status_code == 200
    own = {"current_password": OTHER_PASSWORD, "new_password": PASSWORD}
    assert refusal(await acting.put("/v1/me/password", **own)) == (403, "forbidden_in_impersonation")


ALLOWED = {
    ("DELETE", "/v1/auth/session"): "ends the impersonation itself",
    ("POST", "/v1/auth/introspect"): "looks only",
    ("POST", "/v1/api-keys/verify"): "looks only",
    ("POST", "/v1/projects"): "what the user is helped with",
    ("PUT", "/v1/projects/{project_id}"): "what the user is helped with",
    ("PATCH", "/v1/projects/{project_id}"): "what the user is helped with",
    ("DELETE", "/v1/projects/{project_id}"): "what the user is helped with",
    ("POST", "/v1/projects/{project_id}/archive"): "what the user is helped with",
    ("POST", "/v1/projects/{project_id}/unarchive"): "what the user is helped with",
    ("PUT", "/v1/projects/{project_id}/members/{user_id}"): "what the user is helped with",
    ("DELETE", "/v1/projects/{project_id}/members/{user_id}"): "what the user is helped with",
    ("POST", "/v1/projects/{project_id}/tasks"): "what the user is helped with",
    ("PATCH", "/v1/projects/{project_id}/tasks/{task_id}"): "what the user is helped with",
    ("DELETE", "/v1/projects/{project_id}/tasks/{task_id}"): "what the user is helped with",
}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/v1/me"): {"name": "Eve"},
    ("PUT", "/v1/me/password"): {"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
    ("PUT", "/v1/me/email"): {"email": "eve@example.org", "current_password": PASSWORD},
    ("POST", "/v1/users"): {"email": "eve@example.org"},
    ("PATCH", "/v1/users/{user_id}"): {"name": "Eve"},
    ("PUT", "/v1/users/{user_id}/password"): {"new_password": OTHER_PASSWORD},
    ("POST", "/v1/invitations"): {"email": "eve@example.org"},
    ("POST", "/v1/roles"): {"name": "mine", "permissions": []},
    ("PATCH", "/v1/roles/{role_id}"): {"name": "mine"},
    ("POST", "/v1/api-keys"): {"name": "mine", "scopes": ["read"]},
    ("PATCH", "/v1/api-keys/{key_id}"): {"name": "mine"},
    ("PUT", "/v1/scopes/{name}"): {"permissions": []},
}


def unsafe_routes() -> list[tuple[str, str]]:
    return sorted(
        (method, route.path_format)
        for route in SAMPLE.app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method not in SAFE and handler.opt.get("door") in (Door.USER, Door.USER_OR_KEY)
    )


def test_what_is_allowed_is_still_there() -> None:
    assert {*ALLOWED, *BODIES} <= set(unsafe_routes())
    assert not ALLOWED.keys() & BODIES.keys()


@pytest.mark.parametrize(("method", "path"), [route for route in unsafe_routes() if route not in ALLOWED])
async def test_whoever_acts_touches_no_credential(
    service: Service, admin: Person, acting: Caller, method: str, path: str
) -> None:
    """Of the highest in the name of the highest, so that nothing else refuses."""
    boss = await service.admin("boss@example.org")
    target, key = await service.user("eve.other@example.org"), await boss.key()
    role = (await admin.post("/v1/roles", name="reader", permissions=["audit:read"])).json()["id"]
    invitation = (await admin.post("/v1/invitations", email="guest@example.org")).json()["id"]
    await admin.put("/v1/scopes/mine", permissions=["audit:read"])
    session = (await boss.get("/v1/me/sessions")).json()["data"][0]["id"]
    there = {
        "user_id": target.id,
        "role_id": role,
        "key_id": key.id,
        "invitation_id": invitation,
        "session_id": session,
        "identity_id": await service.identity(boss),
        "permission": "audit:read",
        "name": "mine",
    }
    acting = await service.acting_as(boss, admin)
    before = len(await service.events(200))
    body = BODIES.get((method, path))
    answer = await acting.send(method, path.format(**there), **({} if body is None else {"json": body}))
    assert refusal(answer) == (403, "forbidden_in_impersonation"), (method, path)
    assert len(await service.events(200)) == before


async def test_what_is_held_about_the_user_is_not_downloaded(acting: Caller) -> None:
    assert refusal(await acting.get("/v1/me/export")) == (403, "credential_kind_not_allowed")


async def test_an_id_that_is_nobodys_is_not_found(admin: Person) -> None:
    for user_id in (uuid4(), MEMBER_ID, "nonsense"):
        assert refusal(await admin.post(f"/v1/users/{user_id}/impersonate")) == (404, "not_found")
