"""What admins do with the accounts of others."""

from uuid import uuid4

import pytest

from domain.model.roles import ADMIN_ID, MEMBER_ID
from tests.support.service import PASSWORD, Person, Service, pointers, presenting, refusal

OTHER_PASSWORD = "another horse battery staple"
ABSENT = f"/v1/users/{uuid4()}"


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada", name="Ada")


async def test_a_user_is_created_as_they_are_read(service: Service, admin: Person) -> None:
    created = await admin.post(
        "/v1/users", email=" Bob@Example.org ", password=PASSWORD, username="Bob", name=" Bob \u202e"
    )
    user = created.json()
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    assert created.headers["location"] == f"/v1/users/{user['id']}"
    assert user == {
        "id": user["id"],
        "email": "bob@example.org",
        "username": "bob",
        "name": "Bob",
        "is_active": True,
        "email_verified": False,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    read = await admin.get(created.headers["location"])
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, user, '"1"')
    assert (await admin.saying(if_none_match='"1"').get(created.headers["location"])).status_code == 304
    assert [role["name"] for role in (await admin.get(f"/v1/users/{user['id']}/roles")).json()["data"]] == ["member"]
    assert (await service.sign_in("bob@example.org"))["access_token"]


async def test_without_a_password_a_link_to_set_one_is_mailed(service: Service, admin: Person) -> None:
    created = await admin.post("/v1/users", email="bob@example.org")
    assert created.status_code == 201
    token = await service.mailed_token("bob@example.org")
    reset = await service.anyone.post("/v1/auth/password/reset", token=token, password=PASSWORD)
    assert reset.status_code == 204, reset.text
    assert (await service.sign_in("bob@example.org"))["access_token"]
    assert (await admin.get(created.headers["location"])).json()["email_verified"] is True


async def test_the_roles_that_are_named_take_the_place_of_member(service: Service, admin: Person) -> None:
    role = (await admin.post("/v1/roles", name="auditor", permissions=["audit:read"])).json()["id"]
    created = await admin.post("/v1/users", email="bob@example.org", password=PASSWORD, role_ids=[role, role])
    held = (await admin.get(f"/v1/users/{created.json()['id']}/roles")).json()["data"]
    assert [(held_role["id"], held_role["name"]) for held_role in held] == [(role, "auditor")]
    both = await admin.post("/v1/users", email="eve@example.org", role_ids=[role, str(MEMBER_ID)])
    assert len((await admin.get(f"/v1/users/{both.json()['id']}/roles")).json()["data"]) == 2
    actions = [event.action for event in await service.events(2)]
    assert actions == ["role.granted", "role.granted"]


@pytest.mark.parametrize(
    ("members", "at_fault"),
    [
        ({"email": "nobody"}, "/email"),
        ({"email": None}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "ada.lovelace.ada.lovelace"}, "/password"),
        ({"username": "-"}, "/username"),
        ({"name": "\u202e"}, "/name"),
        ({"role_ids": ["nonsense"]}, "/role_ids/0"),
        ({"role_ids": [str(MEMBER_ID), str(uuid4())]}, "/role_ids/1"),
        ({"role_ids": [str(MEMBER_ID)] * 65}, "/role_ids"),
        ({"role_ids": None}, "/role_ids"),
        ({"is_active": False}, ""),
    ],
)
async def test_input_that_cannot_be_is_refused_by_name(
    admin: Person, members: dict[str, object], at_fault: str
) -> None:
    body = {"email": "ada.lovelace@example.org", "password": PASSWORD, **members}
    assert pointers(await admin.post("/v1/users", **body)) == [at_fault]
    assert (await admin.get("/v1/users")).json()["total"] == 1


async def test_an_address_and_a_user_name_are_taken_in_any_spelling(admin: Person, ada: Person) -> None:
    assert refusal(await admin.post("/v1/users", email="ADA@example.org")) == (409, "email_taken")
    assert refusal(await admin.post("/v1/users", email="b@example.org", username="ADA")) == (409, "username_taken")
    other = (await admin.post("/v1/users", email="b@example.org")).headers["location"]
    assert refusal(await admin.patch(other, email="Ada@example.org")) == (409, "email_taken")
    assert refusal(await admin.patch(other, username="Ada")) == (409, "username_taken")
    assert (await admin.patch(f"/v1/users/{ada.id}", email="ADA@example.org", username="ADA")).status_code == 200


async def test_the_list_is_sorted_and_paged(service: Service, admin: Person, ada: Person) -> None:
    service.advance(seconds=1)
    await admin.post("/v1/users", email="bob@example.org")
    listed = (await admin.get("/v1/users?sorting=email&limit=2")).json()
    assert [user["email"] for user in listed["data"]] == ["ada@example.org", "admin@example.org"]
    assert (listed["total"], listed["limit"], listed["offset"]) == (3, 2, 0)
    assert (await admin.get("/v1/users?limit=1")).json()["data"][0]["email"] == "bob@example.org"
    assert pointers(await admin.get("/v1/users?sorting=password_hash")) == ["/sorting"]


async def test_each_member_is_patched_by_itself(service: Service, admin: Person, ada: Person) -> None:
    path = f"/v1/users/{ada.id}"
    service.advance(seconds=1)
    named = (await admin.patch(path, name="Ada L.")).json()
    assert (named["name"], named["username"], named["email"]) == ("Ada L.", "ada", "ada@example.org")
    assert named["updated_at"] == "2026-01-01T00:00:01Z"
    assert (await admin.patch(path, username="Lovelace")).json()["username"] == "lovelace"
    cleared = (await admin.patch(path, name=None, username=None)).json()
    assert (cleared["name"], cleared["username"]) == (None, None)
    for member in ("email", "is_active"):
        assert pointers(await admin.patch(path, **{member: None})) == [f"/{member}"]
    assert pointers(await admin.patch(path)) == [""]
    for member in ("id", "password", "role_ids", "email_verified"):
        assert pointers(await admin.patch(path, **{member: "x"})) == [""]
    changes = [event.changes for event in await service.events() if event.action == "user.updated"]
    assert changes == [
        {"username": {"before": "lovelace", "after": None}, "name": {"before": "Ada L.", "after": None}},
        {"username": {"before": "ada", "after": "lovelace"}},
        {"name": {"before": "Ada", "after": "Ada L."}},
    ]


async def test_a_new_address_is_not_verified_and_both_are_told(service: Service, admin: Person, ada: Person) -> None:
    verify = await service.mailed_token("ada@example.org")
    assert (await service.anyone.post("/v1/auth/email/verify", token=verify)).status_code == 204
    moved = (await admin.patch(f"/v1/users/{ada.id}", email="Lovelace@example.org")).json()
    assert (moved["email"], moved["email_verified"]) == ("lovelace@example.org", False)
    sent = await service.deliver()
    assert sorted(message.to for message in sent) == ["ada@example.org", "lovelace@example.org"]
    assert (await service.sign_in("lovelace@example.org"))["access_token"]
    old = await service.anyone.token(grant_type="password", username="ada@example.org", password=PASSWORD)
    assert old.status_code == 400


async def test_what_stays_the_same_is_no_event_and_no_new_version(service: Service, admin: Person, ada: Person) -> None:
    path = f"/v1/users/{ada.id}"
    same = await admin.patch(path, name="Ada", email="ada@example.org", is_active=True)
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert not {"user.updated", "user.reactivated"} & {event.action for event in await service.events()}


async def test_whoever_read_another_version_changes_nothing(admin: Person, ada: Person) -> None:
    path = f"/v1/users/{ada.id}"
    assert (await admin.saying(if_match='"1"').patch(path, name="A")).headers["etag"] == '"2"'
    stale = admin.saying(if_match='"1"')
    assert refusal(await stale.patch(path, name="B")) == (412, "precondition_failed")
    assert refusal(await stale.delete(path)) == (412, "precondition_failed")
    assert (await admin.get(path)).json()["is_active"] is True
    assert (await admin.saying(if_match='"2"').delete(path)).status_code == 204


async def test_who_is_not_there_is_not_found(admin: Person) -> None:
    for method, path, body in (
        ("GET", ABSENT, {}),
        ("DELETE", ABSENT, {}),
        ("PATCH", ABSENT, {"name": "a"}),
        ("PUT", f"{ABSENT}/password", {"new_password": OTHER_PASSWORD}),
        ("POST", f"{ABSENT}/unlock", {}),
        ("POST", f"{ABSENT}/impersonate", {}),
        ("GET", "/v1/users/nonsense", {}),
    ):
        answer = await admin.send(method, path, **({"json": body} if body else {}))
        assert refusal(answer) == (404, "not_found"), (method, path)


@pytest.mark.parametrize("how", ["DELETE", "PATCH"])
async def test_who_is_deactivated_is_out_by_every_door(service: Service, admin: Person, ada: Person, how: str) -> None:
    robot, browser, path = await ada.key(), await service.browser(ada), f"/v1/users/{ada.id}"
    if how == "DELETE":
        done = await admin.delete(path)
        assert (done.status_code, done.content) == (204, b"")
    else:
        assert (await admin.patch(path, is_active=False)).json()["is_active"] is False
    for caller in (ada, robot, browser):
        assert refusal(await caller.get("/v1/whoami")) == (401, "invalid_credential")
    refresh = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}
    password = {"grant_type": "password", "username": ada.email, "password": PASSWORD}
    for form in (refresh, password):
        assert (await service.anyone.token(**form)).json()["error"] == "invalid_grant"
    assert refusal(await browser.post("/v1/auth/session", login="ada", password=PASSWORD))[0] == 401
    verdict = (await admin.post("/v1/api-keys/verify", api_key=robot.secret)).json()
    assert (verdict["valid"], verdict["code"]) == (False, "owner_inactive")
    assert (await admin.get(path)).json()["is_active"] is False
    assert (await admin.delete(path)).status_code == 204
    deactivations = [event for event in await service.events() if event.action == "user.deactivated"]
    assert [(event.subject, str(event.user_id)) for event in deactivations] == [(f"user:{ada.id}", admin.id)]


async def test_who_is_reactivated_signs_in_again_but_old_sessions_stay_dead(
    service: Service, admin: Person, ada: Person
) -> None:
    robot, browser, path = await ada.key(), await service.browser(ada), f"/v1/users/{ada.id}"
    await service.anyone.post("/v1/auth/password/forgot", email=ada.email)
    link = await service.mailed_token(ada.email)
    await admin.delete(path)
    assert (await admin.patch(path, is_active=True)).json()["is_active"] is True
    for caller in (ada, browser):
        assert refusal(await caller.get("/v1/whoami")) == (401, "invalid_credential")
    again = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}
    assert (await service.anyone.token(**again)).json()["error"] == "invalid_grant"
    late = await service.anyone.post("/v1/auth/password/reset", token=link, password=OTHER_PASSWORD)
    assert pointers(late) == ["/token"]
    assert (await robot.get("/v1/whoami")).status_code == 200
    assert (await service.sign_in(ada.email))["access_token"]
    assert [event.action for event in await service.events() if "activated" in event.action] == [
        "user.reactivated",
        "user.deactivated",
    ]


async def test_a_password_that_is_set_ends_all_sessions_and_must_be_changed(
    service: Service, admin: Person, ada: Person
) -> None:
    robot, browser = await ada.key(), await service.browser(ada)
    done = await admin.put(f"/v1/users/{ada.id}/password", new_password=OTHER_PASSWORD)
    assert (done.status_code, done.content) == (204, b"")
    for caller in (ada, browser):
        assert refusal(await caller.get("/v1/me")) == (401, "invalid_credential")
    again = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}
    assert (await service.anyone.token(**again)).json()["error"] == "invalid_grant"
    assert (await robot.get("/v1/projects")).status_code == 200

    tokens = await service.sign_in(ada.email, OTHER_PASSWORD)
    restricted = Person(ada.http, presenting(tokens["access_token"]), id=ada.id, email=ada.email, tokens=tokens)
    for answer in (
        await restricted.get("/v1/me"),
        await restricted.post("/v1/projects", name="a"),
        await restricted.post("/v1/api-keys", name="a", scopes=["read"]),
        await restricted.get("/v1/me/sessions"),
        await restricted.patch("/v1/me", name="a"),
    ):
        assert refusal(answer) == (403, "password_change_required")
    own = {"current_password": OTHER_PASSWORD, "new_password": "a third horse battery staple"}
    assert (await restricted.put("/v1/me/password", **own)).status_code == 204
    assert (await restricted.get("/v1/me")).status_code == 200
    assert [event.action for event in await service.events() if "password" in event.action] == [
        "user.password_changed",
        "user.password_set",
    ]


@pytest.mark.parametrize("password", ["short", "x" * 129, "a" * 20, "lovelace@example.org"])
async def test_a_password_that_is_set_is_as_good_as_any(service: Service, admin: Person, password: str) -> None:
    eve = await service.user("lovelace@example.org")
    assert pointers(await admin.put(f"/v1/users/{eve.id}/password", new_password=password)) == ["/new_password"]
    assert (await eve.get("/v1/me")).status_code == 200


async def test_who_is_unlocked_signs_in_at_once(service: Service, admin: Person, ada: Person) -> None:
    form = {"grant_type": "password", "username": ada.email}
    for _ in range(12):
        await service.anyone.token(**form, password="wrong horse battery staple")
    assert (await service.anyone.token(**form, password=PASSWORD)).status_code == 429
    done = await admin.post(f"/v1/users/{ada.id}/unlock")
    assert (done.status_code, done.content) == (204, b"")
    assert (await service.anyone.token(**form, password=PASSWORD)).status_code == 200


async def test_each_thing_needs_its_own_permission(service: Service, ada: Person) -> None:
    path, permissions = f"/v1/users/{ada.id}", ("api_keys:create", "api_keys:read", "projects:read")
    target = await service.person_with(*permissions)
    path = f"/v1/users/{target.id}"
    calls = {
        "users:read": ("GET", path, {}),
        "users:create": ("POST", "/v1/users", {"email": "new@example.org"}),
        "users:update": ("PATCH", path, {"name": "a"}),
        "users:unlock": ("POST", f"{path}/unlock", {}),
        "users:impersonate": ("POST", f"{path}/impersonate", {}),
        "users:reset_password": ("PUT", f"{path}/password", {"new_password": OTHER_PASSWORD}),
        "users:deactivate": ("PATCH", path, {"is_active": False}),
    }
    nobody = await service.user()
    for method, where, body in calls.values():
        refused = await nobody.send(method, where, **({"json": body} if body else {}))
        assert refusal(refused) == (403, "permission_denied"), (method, where)
    for permission, (method, where, body) in calls.items():
        somebody = await service.person_with(permission, *permissions)
        for other in calls:
            if other != permission:
                refused = await somebody.send(calls[other][0], calls[other][1], json=calls[other][2] or None)
                assert refusal(refused)[1] == "permission_denied", (permission, other)
        done = await somebody.send(method, where, **({"json": body} if body else {}))
        assert done.status_code < 300, (permission, done.text)
    both = await nobody.patch(path, name="a", is_active=False)
    assert both.json()["missing_permissions"] == ["users:deactivate", "users:update"]


async def test_nobody_acts_on_who_may_do_more(service: Service, admin: Person, ada: Person) -> None:
    every = ("update", "deactivate", "reset_password", "unlock", "impersonate")
    support = await service.person_with(*(f"users:{name}" for name in every))
    for target in (admin, ada):
        path = f"/v1/users/{target.id}"
        for answer in (
            await support.patch(path, name="a"),
            await support.patch(path, email="mine@example.org"),
            await support.patch(path, is_active=False),
            await support.delete(path),
            await support.put(f"{path}/password", new_password=OTHER_PASSWORD),
            await support.post(f"{path}/unlock"),
            await support.post(f"{path}/impersonate"),
        ):
            assert refusal(answer) == (403, "target_exceeds_actor")
    await service.deactivate(admin)
    reactivated = await support.patch(f"/v1/users/{admin.id}", is_active=True)
    assert refusal(reactivated) == (403, "target_exceeds_actor")


async def test_a_key_creates_users_but_gives_neither_password_nor_roles(service: Service, admin: Person) -> None:
    robot = await admin.key("users:create", "users:read", "users:update")
    for members in ({"password": PASSWORD}, {"role_ids": [str(MEMBER_ID)]}, {"role_ids": [str(ADMIN_ID)]}):
        refused = await robot.post("/v1/users", email="bob@example.org", **members)
        assert refusal(refused) == (403, "credential_kind_not_allowed")
    created = await robot.post("/v1/users", email="bob@example.org", name="Bob")
    assert created.status_code == 201
    assert (await robot.get(created.headers["location"])).json()["name"] == "Bob"
    assert refusal(await robot.patch(created.headers["location"], name="B")) == (403, "target_exceeds_actor")
    for method, tail in (("PUT", "password"), ("POST", "unlock"), ("POST", "impersonate")):
        refused = await robot.send(method, f"{created.headers['location']}/{tail}", json={})
        assert refusal(refused) == (403, "credential_kind_not_allowed")


async def test_nobody_gives_a_newcomer_what_they_lack(service: Service, admin: Person) -> None:
    registrar = await service.person_with("users:create", "users:invite")
    role = (await admin.post("/v1/roles", name="auditor", permissions=["audit:read"])).json()["id"]
    for given in ([str(ADMIN_ID)], [role]):
        for path in ("/v1/users", "/v1/invitations"):
            refused = await registrar.post(path, email="bob@example.org", role_ids=given)
            assert refusal(refused) == (403, "role_exceeds_actor")


@pytest.mark.parametrize("meanwhile", ["the role grows", "the author is demoted", "the author is deactivated"])
async def test_a_guest_gets_the_roles_that_their_host_may_still_give(
    service: Service, admin: Person, meanwhile: str
) -> None:
    host = await service.person_with("users:invite", "audit:read")
    role = (await admin.post("/v1/roles", name="auditor", permissions=["audit:read"])).json()["id"]
    invited = await host.post("/v1/invitations", email="bob@example.org", role_ids=[role])
    assert invited.status_code == 202, invited.text
    match meanwhile:
        case "the role grows":
            await admin.patch(f"/v1/roles/{role}", permissions=["audit:read", "webhooks:manage"])
        case "the author is demoted":
            [own] = (await admin.get(f"/v1/users/{host.id}/roles")).json()["data"]
            await admin.delete(f"/v1/roles/{own['id']}?force=true")
        case "the author is deactivated":
            await admin.delete(f"/v1/users/{host.id}")
    guest = {"email": "bob@example.org", "invitation": await service.mailed_token("bob@example.org")}
    bob = await service.user(**guest)
    assert [held["name"] for held in (await bob.get("/v1/me")).json()["roles"]] == ["member"]


async def test_the_last_admin_stays(service: Service, admin: Person) -> None:
    path, role = f"/v1/users/{admin.id}", f"/v1/roles/{ADMIN_ID}/users/{admin.id}"

    async def all_ways() -> list[tuple[int, str]]:
        answers = (await admin.patch(path, is_active=False), await admin.delete(path), await admin.delete(role))
        return [refusal(answer) for answer in answers]

    assert await all_ways() == [(409, "last_admin")] * 3
    other = await service.admin("other@example.org")
    await admin.delete(f"/v1/users/{other.id}")
    assert await all_ways() == [(409, "last_admin")] * 3
    assert (await admin.delete(f"/v1/roles/{ADMIN_ID}/users/{other.id}")).status_code == 204
    assert (await admin.put(f"/v1/roles/{ADMIN_ID}/users/{other.id}")).status_code == 204
    assert await all_ways() == [(409, "last_admin")] * 3
    assert (await admin.patch(path, name="still here")).status_code == 200
    await admin.patch(f"/v1/users/{other.id}", is_active=True)
    assert (await admin.delete(role)).status_code == 204
    assert (await admin.get("/v1/users")).status_code == 403


async def test_a_permission_over_others_is_no_way_round_ones_own_password(service: Service, admin: Person) -> None:
    robot = await admin.key("users:update")
    for caller, change in (
        (admin, admin.put(f"/v1/users/{admin.id}/password", new_password=OTHER_PASSWORD)),
        (admin, admin.patch(f"/v1/users/{admin.id}", email="moved@example.org")),
        (robot, robot.patch(f"/v1/users/{admin.id}", email="moved@example.org")),
    ):
        assert refusal(await change) == (403, "own_account"), caller
    assert (await admin.patch(f"/v1/users/{admin.id}", name="Root")).status_code == 200
    assert (await service.sign_in(admin.email))["token_type"] == "Bearer"
