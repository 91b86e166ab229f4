"""The audit trail: what happened, by whom and from where; kept if and only if it happened."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from domain.errors import Unavailable
from domain.model.events import Event
from domain.model.queries import Query
from domain.model.roles import ADMIN_ID
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from tests.support.ports import memory_ports
from tests.support.promises import repositories
from tests.support.service import ADDRESS, PASSWORD, Person, Service, pointers, refusal

OTHER_PASSWORD = "another horse battery staple"
EVENTS = "/v1/audit-events"


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


async def everything(service: Service, admin: Person) -> None:
    """All that leaves a trace, each at least once."""
    ada, bob = await service.user("ada@example.org"), await service.user("bob@example.org")
    anyone, user = service.anyone, f"/v1/users/{ada.id}"
    await anyone.token(grant_type="password", username=ada.email, password="wrong horse battery staple")
    await anyone.token(grant_type="password", username="nobody@example.org", password=PASSWORD)
    verify = await service.mailed_token(ada.email)
    await anyone.post("/v1/auth/email/verify", token=verify)
    await ada.patch("/v1/me", name="Ada")
    await ada.put("/v1/me/email", email="lovelace@example.org", current_password=PASSWORD)
    await anyone.post("/v1/auth/email/verify", token=await service.mailed_token("lovelace@example.org"))
    await ada.put("/v1/me/password", current_password="wrong", new_password=OTHER_PASSWORD)
    await ada.put("/v1/me/password", current_password=PASSWORD, new_password=OTHER_PASSWORD)
    await ada.delete("/v1/me/sessions")
    project = await ada.project("Warehouse")
    await ada.patch(f"/v1/projects/{project['id']}", name="Depot")
    await ada.delete(f"/v1/projects/{project['id']}")
    robot = await ada.key()
    await ada.post(f"/v1/api-keys/{robot.id}/revoke")
    await (await service.browser(bob)).get("/v1/me/export")
    spent = bob.tokens["refresh_token"]
    await anyone.token(grant_type="refresh_token", refresh_token=spent)
    service.advance(minutes=1)
    await anyone.token(grant_type="refresh_token", refresh_token=spent)
    await anyone.post("/v1/auth/password/forgot", email=bob.email)
    await anyone.post("/v1/auth/password/reset", token=await service.mailed_token(bob.email), password=OTHER_PASSWORD)

    role = (await admin.post("/v1/roles", name="auditor", permissions=["audit:read"])).headers["location"]
    await admin.patch(role, description="Reads.")
    await admin.put(f"{role}/users/{ada.id}")
    await admin.delete(f"{role}/users/{ada.id}")
    await admin.delete(role)
    await admin.post("/v1/users", email="eve@example.org", password=PASSWORD)
    invitation = (await admin.post("/v1/invitations", email="guest@example.org")).json()["id"]
    await admin.delete(f"/v1/invitations/{invitation}")
    await admin.patch(user, name="Ada L.")
    await admin.post(f"{user}/unlock")
    acting = await service.acting_as(ada, admin)
    await acting.delete("/v1/auth/session")
    await admin.put(f"{user}/password", new_password=PASSWORD)
    await admin.delete(user)
    await admin.patch(user, is_active=True)


ACTIONS = {
    "api_key.created",
    "api_key.revoked",
    "invitation.created",
    "invitation.withdrawn",
    "project.created",
    "project.deleted",
    "project.updated",
    "role.created",
    "role.deleted",
    "role.granted",
    "role.revoked",
    "role.updated",
    "session.ended",
    "session.reuse_detected",
    "user.created",
    "user.deactivated",
    "user.email_change_requested",
    "user.email_changed",
    "user.email_verified",
    "user.exported",
    "user.impersonated",
    "user.password_changed",
    "user.password_refused",
    "user.password_reset",
    "user.password_reset_requested",
    "user.password_set",
    "user.reactivated",
    "user.registered",
    "user.sessions_ended",
    "user.sign_in_refused",
    "user.signed_in",
    "user.unlocked",
    "user.updated",
}


async def test_everything_that_matters_leaves_a_trace_and_no_secret(service: Service, admin: Person) -> None:
    before = {event.id for event in await service.events(200)}
    await everything(service, admin)
    events = [event for event in await service.events(200) if event.id not in before]
    assert {event.action for event in events} == ACTIONS
    for event in events:
        assert event.request_id, event
        assert event.address == ADDRESS, event
        assert event.actor_kind == "user", event
        assert event.subject.partition(":")[0] == event.action.partition(".")[0], event
        assert event.user_id is not None or event.action in {"user.sign_in_refused", "user.password_reset_requested"}
    told = repr(events)
    for secret in (PASSWORD, OTHER_PASSWORD, "reversed:", "hkr_", "hk_", "eyJ", "?token="):
        assert secret not in told


def view(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "action": event.action,
        "subject": event.subject,
        "actor": event.actor_kind,
        "user_id": None if event.user_id is None else str(event.user_id),
        "real_user_id": None if event.real_user_id is None else str(event.real_user_id),
        "session_id": None if event.session_id is None else str(event.session_id),
        "key_id": None if event.key_id is None else str(event.key_id),
        "address": event.address,
        "request_id": event.request_id,
        "changes": event.changes,
    }


async def test_the_trail_is_read_page_by_page_newest_first(service: Service, admin: Person) -> None:
    await everything(service, admin)
    kept = [view(event) for event in await service.events(1000)]
    read: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await admin.get(f"{EVENTS}?limit=7{cursor}")).json()
        assert (set(page), page["limit"]) == ({"data", "limit", "next"}, 7)
        read += page["data"]
        if page["next"] is None:
            break
        assert len(page["data"]) == 7
        cursor = f"&cursor={page['next']}"
        await admin.post("/v1/invitations", email=f"{len(read)}@example.org")  # the later ones move no page
    assert read == kept
    whole = (await admin.get(f"{EVENTS}?limit=200")).json()
    assert whole["next"] is None
    assert len((await admin.get(EVENTS)).json()["data"]) == 50


async def test_a_page_that_is_just_full_is_the_last(service: Service, admin: Person) -> None:
    count = len(await service.events(100))
    page = (await admin.get(f"{EVENTS}?limit={count}")).json()
    assert (len(page["data"]), page["next"]) == (count, None)
    assert (await admin.get(f"{EVENTS}?limit={count - 1}")).json()["next"]


async def test_what_a_user_did_and_what_was_done_to_a_subject(service: Service, admin: Person) -> None:
    ada = await service.user("ada@example.org")
    acting = await service.acting_as(ada, admin)
    await acting.post("/v1/projects", name="Depot")
    await admin.patch(f"/v1/users/{ada.id}", name="Ada")

    async def actions(query: str) -> list[str]:
        return [event["action"] for event in (await admin.get(f"{EVENTS}?{query}")).json()["data"]]

    assert await actions(f"user_id={ada.id}") == [
        "project.created",
        "user.signed_in",
        "role.granted",
        "user.registered",
    ]
    to_ada = ["user.updated", "user.impersonated", "user.signed_in", "user.registered"]
    assert await actions(f"subject=user:{ada.id}") == to_ada
    assert await actions(f"subject=user:{ada.id}&user_id={admin.id}") == ["user.updated", "user.impersonated"]
    assert await actions(f"user_id={uuid4()}") == []
    for nobody in ("user:", "user", f"USER:{ada.id}", "%25"):
        assert await actions(f"subject={nobody}") == []


async def test_a_cursor_belongs_to_its_list(service: Service, admin: Person) -> None:
    ada = await service.user()
    for filters in ("", f"&user_id={ada.id}", f"&subject=user:{ada.id}"):
        cursor = (await admin.get(f"{EVENTS}?limit=1{filters}")).json()["next"]
        assert (await admin.get(f"{EVENTS}?limit=9{filters}&cursor={cursor}")).status_code == 200
        for others in {"", f"&user_id={ada.id}", f"&user_id={admin.id}", f"&subject=user:{ada.id}"} - {filters}:
            assert pointers(await admin.get(f"{EVENTS}?limit=1{others}&cursor={cursor}")) == ["/cursor"]
        place, _, signature = cursor.partition(".")
        forged = (
            f"{place}x.{signature}",
            f"{place}.{signature[:-2]}AA",
            f"{place}.",
            f".{signature}",
            place,
            "",
            "x.y",
        )
        for cursor in forged:
            assert pointers(await admin.get(f"{EVENTS}?limit=1{filters}&cursor={cursor}")) == ["/cursor"]


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=x", "/limit"),
        ("user_id=nonsense", "/user_id"),
        ("user_id=", "/user_id"),
        ("user_id={019b76da-a800-7000-8000-000000000001}", "/user_id"),
        ("user_id=019B76DA-A800-7000-8000-000000000001", "/user_id"),
        ("user_id=%D9%A019b76da-a800-7000-8000-00000000001", "/user_id"),
        ("subject=", "/subject"),
        (f"subject={'x' * 129}", "/subject"),
    ],
)
async def test_a_query_that_cannot_be_is_refused_by_name(admin: Person, query: str, at_fault: str) -> None:
    assert pointers(await admin.get(f"{EVENTS}?{query}")) == [at_fault]


@pytest.mark.parametrize("query", ["offset=1", "sorting=at", "action=user.created"])
async def test_it_is_read_by_cursor_only(admin: Person, query: str) -> None:
    assert refusal(await admin.get(f"{EVENTS}?{query}")) == (422, "invalid_input")


async def test_only_a_person_who_may_reads_it(service: Service, admin: Person) -> None:
    assert refusal(await (await service.user()).get(EVENTS)) == (403, "permission_denied")
    assert refusal(await (await admin.key("audit:read")).get(EVENTS)) == (403, "credential_kind_not_allowed")
    assert (await (await service.person_with("audit:read")).get(EVENTS)).status_code == 200
    assert (await (await service.browser(admin)).get(EVENTS)).status_code == 200


class Unwritable:
    """Units of work whose trail cannot be written, once it is said."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self.reading = uow.reading
        self.full = False
        self.tried = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        async with self._uow() as work:
            yield SimpleNamespace(**{name: getattr(work, name) for name in repositories()} | self._trail(work))

    def _trail(self, work: UnitOfWork) -> dict[str, Any]:
        async def add(event: Event) -> None:
            if self.full:
                self.tried += 1
                raise Unavailable
            await work.events.add(event)

        return {"events": SimpleNamespace(add=add, list=work.events.list)}


async def kept(service: Service) -> str:
    """Everything that an admin can see, as text."""
    async with service.ports.uow.reading() as work:
        users, roles = await work.users.list(Query()), await work.roles.list(Query())
        held = [await work.roles.list_by_user(user.id) for user in users.items]
        live = [await work.sessions.list_live_by_user(user.id, now=service.ports.clock.now()) for user in users.items]
        keys, projects = await work.keys.list_by_owner(None, Query()), await work.projects.list_by_owner(None, Query())
        return repr((users, roles, held, live, keys, projects, await work.invitations.list(Query())))


Write = Callable[[Person, Person, str], Awaitable[Any]]
WRITES: dict[str, Write] = {
    "user.created": lambda admin, ada, role: admin.post("/v1/users", email="eve@example.org", password=PASSWORD),
    "user.updated": lambda admin, ada, role: admin.patch(f"/v1/users/{ada.id}", name="Eve"),
    "user.deactivated": lambda admin, ada, role: admin.delete(f"/v1/users/{ada.id}"),
    "user.password_set": lambda admin, ada, role: admin.put(
        f"/v1/users/{ada.id}/password", new_password=OTHER_PASSWORD
    ),
    "user.impersonated": lambda admin, ada, role: admin.post(f"/v1/users/{ada.id}/impersonate"),
    "invitation.created": lambda admin, ada, role: admin.post("/v1/invitations", email="guest@example.org"),
    "role.created": lambda admin, ada, role: admin.post("/v1/roles", name="mine", permissions=[]),
    "role.updated": lambda admin, ada, role: admin.patch(role, name="theirs"),
    "role.updated by one": lambda admin, ada, role: admin.put(f"{role}/permissions/projects:any"),
    "role.deleted": lambda admin, ada, role: admin.delete(f"{role}?force=true"),
    "role.granted": lambda admin, ada, role: admin.put(f"/v1/roles/{ADMIN_ID}/users/{ada.id}"),
    "role.revoked": lambda admin, ada, role: admin.delete(f"{role}/users/{ada.id}"),
    "api_key.created": lambda admin, ada, role: ada.post("/v1/api-keys", name="robot", scopes=["read"]),
    "session.ended": lambda admin, ada, role: ada.delete("/v1/auth/session"),
    "user.password_changed": lambda admin, ada, role: ada.put(
        "/v1/me/password", current_password=PASSWORD, new_password=OTHER_PASSWORD
    ),
}


@pytest.mark.parametrize("action", WRITES)
async def test_what_leaves_no_trace_does_not_happen(action: str) -> None:
    ports = memory_ports()
    trail = Unwritable(ports.uow)
    service = Service(replace(ports, uow=trail))
    admin, ada = await service.admin(), await service.user("ada@example.org")
    role = (await admin.post("/v1/roles", name="auditor", permissions=["audit:read"])).headers["location"]
    await admin.put(f"{role}/users/{ada.id}")
    before, trail.full = await kept(service), True
    assert refusal(await WRITES[action](admin, ada, role)) == (503, "unavailable")
    assert trail.tried
    assert await kept(service) == before

    trail.full = False
    assert (await WRITES[action](admin, ada, role)).status_code < 300
    assert await kept(service) != before
    assert action.partition(" ")[0] in {event.action for event in await service.events(2)}
