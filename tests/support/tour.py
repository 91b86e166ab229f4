"""One tour of the service, and what is told on it: every answer, with only what is random masked.

Where clock and ids are the same, times and ids are too.
"""

import re

import httpx

from domain.model.roles import ADMIN_ID, MEMBER_ID
from tests.support.examples import HOSTILE_TEXTS
from tests.support.service import PASSWORD, Person, Service

RANDOM = re.compile(
    r"(?<=hexkey_device=)[\w.-]+|(?<=hexkey_session=)[\w.-]+|(?<=hexkey_csrf=)[\w.-]+|hkr_[0-9A-Za-z]{49}|eyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|(?<=_)[0-9A-Za-z]{49}|(?<=\"last4\":\")\w{4}"
)
ABSENT = "019b76da-a800-7000-8000-00000000ffff"
Told = list[str]


class Diary:
    """Every answer that passes, as the caller could see it."""

    def __init__(self) -> None:
        self.told: Told = []

    async def write(self, answer: httpx.Response) -> None:
        await answer.aread()
        request = answer.request
        headers = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()))
        line = f"{request.method} {request.url.raw_path.decode()} {answer.status_code}\n{headers}\n{answer.text}"
        self.told.append(RANDOM.sub("***", line))


async def tour(service: Service) -> None:
    ada, bob, admin = await service.user("ada@example.org", username="ada"), await service.user(), await service.admin()
    await sign_in(service, ada)
    await write_projects(service, ada, bob)
    await list_projects(service, ada, admin)
    await share_projects(service, ada, bob, admin)
    await hold_keys(service, ada, bob, admin)
    await turn_keys(service, ada, bob, admin)
    await define_scopes(ada, admin)
    eve = await service.user("eve@example.org")
    await manage_users(service, ada, eve, admin)
    await manage_roles(service, ada, eve, admin)
    await invite(service, admin)
    await have_sessions(service, ada, admin)
    await read_the_trail(service, ada, admin)
    await leave(service, bob)


async def sign_in(service: Service, ada: Person) -> None:
    anyone = service.anyone
    for members in ({"email": "ADA@example.org"}, {"email": "c@example.org", "username": "Ada"}, {"email": "x"}):
        await anyone.post("/v1/auth/register", **{"password": PASSWORD, **members})
    for login, password in (("Ada", PASSWORD), ("ada", "wrong"), ("nobody", PASSWORD), ("@", PASSWORD)):
        await anyone.token(grant_type="password", username=login, password=password)
    first = ada.tokens["refresh_token"]
    second = (await anyone.token(grant_type="refresh_token", refresh_token=first)).json()["refresh_token"]
    await anyone.token(grant_type="refresh_token", refresh_token=first)
    await anyone.token(grant_type="refresh_token", refresh_token=second)
    for path in ("/v1/me", "/v1/whoami", "/health/ready", "/"):
        await ada.get(path)
        await anyone.get(path)


async def write_projects(service: Service, ada: Person, bob: Person) -> None:
    paths = []
    for place, name in enumerate(("b", "A", "é", "e\u0301", "ß", "ss", *HOSTILE_TEXTS)):
        service.advance(milliseconds=place % 3)
        answer = await ada.post("/v1/projects", name=name, description=None if place % 2 else name)
        paths.append(answer.headers["location"])
    first, second, *_ = paths
    for name in ("b", " b ", "", "x" * 129):
        await ada.post("/v1/projects", name=name)
    await bob.post("/v1/projects", name="b")
    for path in (first, f"/v1/projects/{ABSENT}", "/v1/projects/nonsense"):
        for caller in (ada, bob):
            await caller.get(path)
            await caller.patch(path, description="line\nline")
            await caller.put(path, name="A")
    await ada.saying(if_match='"1"').patch(first, name="stale")
    await ada.saying(if_match='"2"').patch(first, name="fresh")
    await ada.saying(if_none_match='"3"').get(first)
    await ada.saying(if_match='"9"').delete(second)
    await ada.delete(second)
    await ada.delete(second)


async def list_projects(service: Service, ada: Person, admin: Person) -> None:
    queries = ("", "sorting=name", "sorting=name:desc", "sorting=updated_at,name", "sorting=created_at:asc", "limit=0")
    for query in (*queries, "limit=3&offset=2", "offset=999999999", "sorting=owner_id"):
        await ada.get(f"/v1/projects?{query}")
        await admin.get(f"/v1/projects?{query}")


async def share_projects(service: Service, ada: Person, bob: Person, admin: Person) -> None:
    path = (await ada.post("/v1/projects", name="shared")).headers["location"]
    tasks = []
    for place, title in enumerate(("b", "A", "é", "e\u0301", *HOSTILE_TEXTS)):
        service.advance(milliseconds=place % 3)
        body = {"title": title, "due_at": "2026-02-01T00:00:00.1+02:00" if place % 2 else None}
        tasks.append((await ada.post(f"{path}/tasks", assignee_id=ada.id, **body)).headers["location"])
    for role in ("viewer", "editor", "editor", "boss", "owner"):
        await ada.put(f"{path}/members/{bob.id}", role=role)
        for caller in (ada, bob, admin):
            await caller.get(f"{path}/members?sorting=name,username:desc")
            await caller.get("/v1/projects?limit=3")
        await bob.patch(tasks[0], title=role, description=None)
        await bob.patch(path, description=role)
    for query in (
        "",
        "sorting=title",
        "sorting=due_at:desc,title",
        "sorting=due_at&limit=3&offset=2",
        "sorting=status",
    ):
        await bob.get(f"{path}/tasks?{query}")
    await ada.saying(if_match='"1"').patch(tasks[1], status="done")
    await ada.saying(if_match='"1"').delete(tasks[1])
    for body in ({"title": ""}, {"title": "x", "assignee_id": admin.id}, {"title": "x", "assignee_id": ABSENT}):
        await bob.post(f"{path}/tasks", **body)
    for where in (f"{path}/tasks/{ABSENT}", f"{path}/members/{ABSENT}", f"/v1/projects/{ABSENT}/members/{bob.id}"):
        await ada.get(where)
        await ada.delete(where)
        await ada.put(where, role="viewer")
    for verb in ("archive", "archive", "unarchive", "unarchive", "archive"):
        await ada.post(f"{path}/{verb}")
        await bob.delete(tasks[2])
        await bob.put(f"{path}/members/{ada.id}", role="editor")
    await ada.post(f"{path}/unarchive")
    await bob.post(f"{path}/unarchive")
    for person in (ada, bob):
        await bob.delete(f"{path}/members/{person.id}")
        await bob.get(path)
        await bob.get(f"{path}/tasks?sorting=title&limit=2")
    await bob.delete(path)


async def hold_keys(service: Service, ada: Person, bob: Person, admin: Person) -> None:
    project = (await ada.get("/v1/projects?limit=1")).json()["data"][0]["id"]
    robot = await ada.key(
        "writer",
        "api_keys:create",
        name="robot",
        expires_at="2026-02-01T00:00:00.123456+02:00",
        metadata={"é": [1, 2.5, None, True, {"z": "", "a": "\u2028"}], "n": -(2**53), "big": 1e300, "small": 1e-9},
        limits=["50/minute", "1000/day"],
        allowed_networks=["203.0.113.0/24", "2001:db8::/32"],
        project_ids=[project],
    )
    plain = await ada.key(name="plain", description="d")
    for body in ({"scopes": ["admin"]}, {"scopes": ["users:read"]}, {"scopes": ["read"], "expires_in": "0s"}):
        await ada.post("/v1/api-keys", name="no", **body)
    for path in ("/v1/api-keys/self", "/v1/projects", f"/v1/projects/{project}", "/v1/whoami", "/v1/me"):
        await robot.get(path)
    await robot.post("/v1/projects", name="By robot")
    await robot.post("/v1/api-keys", name="child", scopes=["read"])
    for query in ("", "sorting=expires_at", "sorting=expires_at:desc,name", "sorting=name&limit=1", "sorting=scopes"):
        await ada.get(f"/v1/api-keys?{query}")
    for caller in (ada, bob, admin):
        await caller.get(f"/v1/api-keys/{robot.id}")
        await caller.post(f"/v1/api-keys/{plain.id}/revoke")
        await caller.post("/v1/api-keys/verify", api_key=robot.secret, permissions=["projects:read"], cost=2)
        await caller.post("/v1/api-keys/verify", api_key=plain.secret)
    await admin.post("/v1/api-keys/verify", api_key=robot.secret, address="192.0.2.1")
    await plain.get("/v1/projects")


async def turn_keys(service: Service, ada: Person, bob: Person, admin: Person) -> None:
    robot = await ada.key("read", "api_keys:rotate", name="turned", expires_in="60d")
    path = f"/v1/api-keys/{robot.id}"
    for body in (
        {"name": "é", "description": "d", "metadata": {"z": [1, {"a": None}]}, "limits": ["9/minute"]},
        {"allowed_networks": ["203.0.113.0/24"], "scopes": ["read", "api_keys:rotate"], "expires_in": "90d"},
        {"description": None, "metadata": None, "limits": None, "project_ids": [ABSENT]},
        {"project_ids": None, "scopes": ["users:read"]},
        {"scopes": []},
        {"expires_at": None},
    ):
        await ada.patch(path, **body)
        await bob.patch(path, **body)
    await ada.saying(if_match='"1"').patch(path, name="stale")
    first = (await robot.post(f"{path}/rotate", grace="24h")).json()["api_key"]
    service.advance(minutes=1)
    await robot.get("/v1/whoami")
    newer = service.anyone.saying(x_api_key=first)
    await newer.get("/v1/api-keys/self")
    await ada.post(f"{path}/rotate", grace="31d")
    for verb in ("suspend", "suspend", "resume", "resume", "rotate", "revoke", "resume"):
        await ada.post(f"{path}/{verb}")
        await newer.get("/v1/whoami")
        await robot.get("/v1/whoami")
    for caller in (bob, ada, admin, admin):
        await caller.delete(path)
    other = await ada.key(name="ends itself")
    await other.post("/v1/api-keys/revoke-self")
    await other.post("/v1/api-keys/revoke-self")
    await admin.get("/v1/audit-events?limit=20")


async def define_scopes(ada: Person, admin: Person) -> None:
    bodies: tuple[dict[str, object], ...] = (
        {"permissions": ["tasks:read", "projects:read"], "description": "é\n\u2028"},
        {"permissions": ["projects:read"]},
        {"permissions": ["audit:read", "projects:read"]},
        {"permissions": ["never:heard"]},
    )
    for name in ("ops", "night-shift", "read", "Ops"):
        for body in bodies:
            await admin.put(f"/v1/scopes/{name}", **body)
    robot = await admin.key("ops", "tasks:read")
    await ada.post("/v1/api-keys", name="x", scopes=["night-shift"])
    await ada.post("/v1/api-keys", name="x", scopes=["day"])
    for path in ("/v1/whoami", "/v1/projects", "/v1/scopes"):
        await robot.get(path)
    for query in ("", "?force=1", "?force=true"):
        await admin.delete(f"/v1/scopes/ops{query}")
    await robot.get("/v1/api-keys/self")
    await robot.get("/v1/projects")
    await admin.get("/v1/scopes")


async def manage_users(service: Service, ada: Person, eve: Person, admin: Person) -> None:
    for place, name in enumerate(("é", "e\u0301", "A", "a", *HOSTILE_TEXTS[:4])):
        service.advance(milliseconds=place % 2)
        await admin.post("/v1/users", email=f"user{9 - place}@example.org", name=name, username=f"user{place}")
    for body in ({"email": "ADA@example.org"}, {"email": "x"}, {"email": "d@example.org", "role_ids": [ABSENT]}):
        await admin.post("/v1/users", **body)
    for query in ("", "sorting=email", "sorting=name,email:desc", "sorting=username:desc&limit=3&offset=1", "limit=0"):
        await admin.get(f"/v1/users?{query}")
    path = f"/v1/users/{eve.id}"
    for where in (path, f"/v1/users/{ABSENT}", "/v1/users/nonsense"):
        for caller in (admin, ada):
            await caller.get(where)
            await caller.patch(where, name="Eve", username="eve")
            await caller.post(f"{where}/unlock")
    for body in ({"username": "ADA"}, {"email": "ada@example.org"}, {"email": "Robert@example.org", "name": None}):
        await admin.patch(path, **body)
    await admin.saying(if_match='"1"').patch(path, name="stale")
    await admin.saying(if_none_match='"3"').get(path)
    for value in (False, False, True):
        await admin.patch(path, is_active=value)
    await admin.delete(f"/v1/users/{admin.id}")


async def manage_roles(service: Service, ada: Person, eve: Person, admin: Person) -> None:
    paths = []
    for place, name in enumerate(("b", "B", "ß", *HOSTILE_TEXTS[:5])):
        service.advance(milliseconds=place % 2)
        answer = await admin.post("/v1/roles", name=name, description=name, permissions=["users:read", "audit:read"])
        paths.append(answer.headers["location"])
    first, second, *_ = paths
    for body in ({"name": " b"}, {"name": "admin"}, {"name": "c", "permissions": ["fly"]}):
        await admin.post("/v1/roles", **{"permissions": [], **body})
    for query in ("", "sorting=name", "sorting=created_at,name:desc", "sorting=updated_at:desc,name&limit=2&offset=1"):
        await admin.get(f"/v1/roles?{query}")
    for where in (first, f"/v1/roles/{ABSENT}", f"/v1/roles/{ADMIN_ID}"):
        for caller in (admin, ada):
            await caller.get(where)
            await caller.patch(where, description="line\nline")
            await caller.put(f"{where}/permissions/tasks:read")
            await caller.delete(f"{where}/permissions/audit:read")
    await admin.patch(first, name="B")
    await admin.saying(if_match='"1"').delete(first)
    for user_id in (ada.id, eve.id, ABSENT):
        await admin.put(f"{first}/users/{user_id}")
        await admin.put(f"{second}/users/{user_id}")
    await admin.get(f"{first}/users?sorting=email")
    await admin.get(f"/v1/users/{ada.id}/roles")
    await admin.patch(second, is_active=False)
    await ada.get("/v1/me")
    await ada.get("/v1/users?limit=1")
    for path in (f"{first}/users/{ada.id}", f"{first}/users/{ada.id}", first, f"{first}?force=true", first):
        await admin.delete(path)
    await admin.delete(f"/v1/roles/{ADMIN_ID}/users/{admin.id}")
    await admin.get("/v1/permissions")


async def invite(service: Service, admin: Person) -> None:
    for email in ("guest@example.org", "ada@example.org", "second@example.org", "GUEST@example.org", "x"):
        service.advance(milliseconds=1)
        await admin.post("/v1/invitations", email=email, role_ids=[str(MEMBER_ID)])
    token = await service.mailed_token("guest@example.org")
    for email in ("another@example.org", "guest@example.org", "guest@example.org"):
        await service.anyone.post("/v1/auth/register", email=email, password=PASSWORD, invitation=token)
    listed = await admin.get("/v1/invitations?sorting=email")
    for invitation in (*(one["id"] for one in listed.json()["data"]), ABSENT):
        await admin.delete(f"/v1/invitations/{invitation}")
    await admin.get("/v1/invitations")


async def have_sessions(service: Service, ada: Person, admin: Person) -> None:
    acting = await service.acting_as(ada, admin)
    await acting.post("/v1/projects", name="Helped")
    await acting.patch("/v1/me", name="Eve")
    service.advance(milliseconds=1)
    browser = await service.browser(ada)
    browser.http.event_hooks = service.anyone.http.event_hooks
    listed = (await ada.get("/v1/me/sessions")).json()["data"]
    await ada.delete(f"/v1/me/sessions/{ABSENT}")
    await ada.delete(f"/v1/me/sessions/{listed[1]['id']}")
    await acting.get("/v1/me")
    await browser.get("/v1/me/export")
    await browser.post("/v1/auth/session", login="ada", password=PASSWORD)
    await ada.delete("/v1/me/sessions")
    await browser.get("/v1/me")
    await ada.get("/v1/me/sessions")


async def read_the_trail(service: Service, ada: Person, admin: Person) -> None:
    for filters in ("", f"&user_id={ada.id}", f"&subject=user:{ada.id}", f"&subject=user:{ada.id}&user_id={admin.id}"):
        cursor = ""
        for _ in range(3):
            page = (await admin.get(f"/v1/audit-events?limit=4{filters}{cursor}")).json()
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
    await admin.get(f"/v1/audit-events?limit=1{cursor}x")
    await admin.get("/v1/audit-events?limit=200")
    await ada.get("/v1/audit-events")


async def leave(service: Service, bob: Person) -> None:
    robot = await bob.key()
    await service.deactivate(bob)
    await bob.get("/v1/me")
    await robot.get("/v1/projects")
    await service.anyone.token(grant_type="password", username=bob.email, password=PASSWORD)
    await service.anyone.token(grant_type="refresh_token", refresh_token=bob.tokens["refresh_token"])
