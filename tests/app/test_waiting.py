"""`Prefer: wait`: what ends something is answered when it has ended everywhere."""

import pytest

from app.http.routes import handlers_of
from tests.support.ports import memory_ports
from tests.support.service import Person, Robot, Service


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


def path_of(robot: Robot) -> str:
    return f"/v1/api-keys/{robot.id}"


@pytest.mark.parametrize("preference", ["wait", "wait=1", "Wait", "respond-async, wait=30; x=1", 'wait="2"', "wait ="])
async def test_who_prefers_to_wait_is_answered_when_it_holds_everywhere(
    service: Service, ada: Person, preference: str
) -> None:
    robot = await ada.key()
    answer = await ada.saying(prefer=preference).post(f"{path_of(robot)}/revoke")
    assert answer.headers["preference-applied"] == "wait"
    assert answer.json()["effective_at"] == service.ports.clock.now().isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("preference", ["wait=0", "respond-async", "wait=x", "wait=-1", "waiting", "", "wait=0, wait"])
async def test_who_would_not_wait_long_enough_is_answered_at_once(
    service: Service, ada: Person, preference: str
) -> None:
    robot = await ada.key()
    before = service.ports.clock.now()
    answer = await ada.saying(prefer=preference).post(f"{path_of(robot)}/revoke")
    assert "preference-applied" not in answer.headers
    assert service.ports.clock.now() == before


async def test_every_call_that_revokes_may_be_waited_for_and_a_refusal_may_not(admin: Person) -> None:
    patient = admin.saying(prefer="wait")
    robot = await admin.key()
    own = robot.saying(prefer="wait")
    waited = [
        await patient.patch(path_of(robot), scopes=["tasks:read"]),
        await patient.post(f"{path_of(robot)}/rotate", grace="1h"),
        await own.post("/v1/api-keys/revoke-self"),
        await patient.post(f"{path_of(robot)}/suspend"),
        await patient.post(f"{path_of(robot)}/resume"),
        await patient.delete(path_of(robot)),
    ]
    assert [answer.headers.get("preference-applied") for answer in waited] == ["wait"] * 6
    assert "preference-applied" not in (await patient.delete(path_of(robot))).headers
    assert "preference-applied" not in (await patient.get("/v1/api-keys")).headers


async def test_so_may_what_ends_the_access_of_people(service: Service, admin: Person) -> None:
    patient, eve = admin.saying(prefer="wait"), await service.user()
    role = (await admin.post("/v1/roles", name="support", permissions=["users:read"])).json()["id"]
    await admin.put(f"/v1/roles/{role}/users/{eve.id}")
    waited = [
        await patient.delete(f"/v1/roles/{role}/users/{eve.id}"),
        await patient.delete(f"/v1/roles/{role}/permissions/users:read"),
        await patient.patch(f"/v1/roles/{role}", is_active=False),
        await patient.delete(f"/v1/roles/{role}"),
        await eve.saying(prefer="wait").delete("/v1/me/sessions"),
        await patient.delete(f"/v1/users/{eve.id}"),
        await service.anyone.send(
            "POST",
            "/v1/auth/revoke",
            headers={"prefer": "wait"},
            data={"token": admin.tokens["refresh_token"]},
        ),
    ]
    assert [answer.status_code for answer in waited] == [204, 204, 200, 204, 204, 204, 200]
    assert [answer.headers.get("preference-applied") for answer in waited] == ["wait"] * 7


def test_what_takes_something_from_somebody_is_what_may_be_waited_for() -> None:
    routes = handlers_of(Service(memory_ports()).app)
    marked = {f"{method} {path}" for method, path, handler in routes if handler.opt.get("revoking")}
    assert marked == {
        "DELETE /v1/api-keys/{key_id}",
        "DELETE /v1/auth/session",
        "DELETE /v1/me/sessions",
        "DELETE /v1/me/sessions/{session_id}",
        "DELETE /v1/projects/{project_id}/members/{user_id}",
        "DELETE /v1/roles/{role_id}",
        "DELETE /v1/roles/{role_id}/permissions/{permission}",
        "DELETE /v1/roles/{role_id}/users/{user_id}",
        "DELETE /v1/scopes/{name}",
        "DELETE /v1/users/{user_id}",
        "PATCH /v1/api-keys/{key_id}",
        "PATCH /v1/roles/{role_id}",
        "PATCH /v1/users/{user_id}",
        "POST /v1/api-keys/revoke-self",
        "POST /v1/api-keys/{key_id}/resume",
        "POST /v1/api-keys/{key_id}/revoke",
        "POST /v1/api-keys/{key_id}/rotate",
        "POST /v1/api-keys/{key_id}/suspend",
        "POST /v1/auth/oidc/{provider}/backchannel-logout",
        "POST /v1/auth/oidc/{provider}/logout",
        "POST /v1/auth/password/reset",
        "POST /v1/auth/revoke",
        "PUT /v1/me/password",
        "PUT /v1/projects/{project_id}/members/{user_id}",
        "PUT /v1/scopes/{name}",
        "PUT /v1/users/{user_id}/password",
    }
