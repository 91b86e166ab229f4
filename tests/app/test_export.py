"""`GET /v1/me/export`: everything that is held about somebody, as it is read."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import insert

from adapters.sql.statements import Statement
from adapters.sql.tables import METADATA
from domain.errors import Unavailable
from domain.model.events import Event
from domain.model.ids import UserId
from domain.model.queries import LIMIT_MAX
from domain.ports.unit_of_work import UnitOfWorkFactory
from tests.support.databases import Databases, sql_storage
from tests.support.examples import an_event
from tests.support.fakes import START, CountingIds
from tests.support.ports import memory_ports, ports_over
from tests.support.promises import repositories
from tests.support.service import ADDRESS, Browser, Person, Service, refusal

MANY = 100_000
BOUND = 4 * 2**20
MEASURED_FROM = MANY // LIMIT_MAX * 4 // 5
"""The last fifth of the pages: to measure slows down five times, and what piled up would show here as well."""
EXPORT = "/v1/me/export"


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada", name="Ada")


async def test_it_holds_everything_about_oneself_and_nothing_about_others(service: Service, ada: Person) -> None:
    admin, bob = await service.admin(), await service.user("bob@example.org")
    role = (await admin.post("/v1/roles", name="auditor", description="Reads.", permissions=["audit:read"])).json()
    await admin.put(f"/v1/roles/{role['id']}/users/{ada.id}")
    await admin.patch(f"/v1/users/{ada.id}", name="Ada L.")
    robot, project = await ada.key("read", name="robot", metadata={"é": 1}), await ada.project("Warehouse")
    bobs = await bob.project("Bob's")
    path = f"/v1/projects/{project['id']}/tasks"
    task = (await ada.post(path, title="Count", assignee_id=ada.id)).json()
    await bob.post(f"/v1/projects/{bobs['id']}/tasks", title="Bob's")
    await bob.key()
    browser = await service.browser(ada)
    answer = await browser.get(EXPORT)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-disposition"] == 'attachment; filename="hexkey-export.json"'
    assert answer.headers["cache-control"] == "no-store"
    held = answer.json()
    assert list(held) == [
        "user",
        "roles",
        "identities",
        "sessions",
        "api_keys",
        "projects",
        "memberships",
        "tasks_assigned",
        "tasks_created",
        "done_by_you",
        "done_to_you",
    ]
    me = (await ada.get("/v1/me")).json()
    assert held["user"] == {name: value for name, value in me.items() if name not in {"roles", "permissions"}}
    assert [(one["name"], one["description"]) for one in held["roles"]] == [
        ("auditor", "Reads."),
        ("member", "Own projects, tasks and keys."),
    ]
    assert [(one["kind"], one["current"]) for one in held["sessions"]] == [("token", False), ("cookie", True)]
    assert held["api_keys"] == [robot.view]
    assert held["projects"] == [project]
    membership = {"project_id": project["id"], "role": "owner", "created_at": project["created_at"]}
    assert held["memberships"] == [membership]
    assert (held["tasks_assigned"], held["tasks_created"]) == ([task], [task])
    assert [event["action"] for event in held["done_by_you"]] == [
        "user.exported",
        "user.signed_in",
        "task.created",
        "project.created",
        "api_key.created",
        "user.signed_in",
        "role.granted",
        "user.registered",
    ]
    assert [(event["action"], event["user_id"]) for event in held["done_to_you"]] == [("user.updated", admin.id)]
    for foreign in ("bob@example.org", "Bob's", bob.id, "reversed:", robot.secret):
        assert foreign not in answer.text


async def test_of_somebody_new_it_is_short_and_whole(service: Service) -> None:
    eve = await service.person_with()
    held = (await (await service.browser(eve)).get(EXPORT)).json()
    assert (held["api_keys"], held["projects"], len(held["roles"])) == ([], [], 1)


async def test_more_than_a_page_of_keys_and_projects_is_there_whole(service: Service, ada: Person) -> None:
    browser = await service.browser(ada)
    for number in range(400):
        await ada.project(f"project {number}")
    assert len((await browser.get(EXPORT)).json()["projects"]) == 400


async def test_what_was_done_in_projects_of_others_is_there_while_one_sees_them(service: Service, ada: Person) -> None:
    bob, browser = await service.user(), await service.browser(ada)
    path = f"/v1/projects/{(await bob.project('Shared'))['id']}"
    await bob.put(f"{path}/members/{ada.id}", role="editor")
    for number in range(250):
        await ada.post(f"{path}/tasks", title=f"made {number}")
        await bob.post(f"{path}/tasks", title=f"given {number}", assignee_id=ada.id)
    held = (await browser.get(EXPORT)).json()
    assert [one["role"] for one in held["memberships"]] == ["editor"]
    assert sorted(int(one["title"].removeprefix("made ")) for one in held["tasks_created"]) == list(range(250))
    assert sorted(int(one["title"].removeprefix("given ")) for one in held["tasks_assigned"]) == list(range(250))
    await bob.delete(f"{path}/members/{ada.id}")
    held = (await browser.get(EXPORT)).json()
    assert held["memberships"] == held["tasks_created"] == held["tasks_assigned"] == []
    assert [event["action"] for event in held["done_by_you"]].count("task.created") == 250


async def test_it_is_for_a_person_at_a_browser(service: Service, ada: Person) -> None:
    assert refusal(await service.anyone.get(EXPORT)) == (401, "unauthenticated")
    assert refusal(await ada.get(EXPORT)) == (403, "credential_kind_not_allowed")
    assert refusal(await (await ada.key()).get(EXPORT)) == (403, "credential_kind_not_allowed")


async def test_asking_for_it_is_in_the_trail(service: Service, ada: Person) -> None:
    browser = await service.browser(ada)
    await browser.get(EXPORT)
    [event] = [event for event in await service.events() if event.action == "user.exported"]
    assert (event.subject, str(event.user_id)) == (f"user:{ada.id}", ada.id)


class Download:
    """The answer as a server is given it, piece by piece; *piece* is called with each."""

    def __init__(self, service: Service, browser: Browser, piece: Callable[[bytes], object]) -> None:
        self._service = service
        self._headers = [(b"host", b"127.0.0.1:8000"), (b"cookie", browser.cookie.encode())]
        self._piece = piece
        self._asked, self._answered = False, asyncio.Event()
        self.status = 0

    @property
    def complete(self) -> bool:
        return self._answered.is_set()

    async def read(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": EXPORT,
            "raw_path": EXPORT.encode(),
            "query_string": b"",
            "headers": self._headers,
            "client": (ADDRESS, 50_000),
            "state": {},
        }
        await self._service.play(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        """An empty body, and then nothing until the answer is there: the client stays."""
        if self._asked:
            await self._answered.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self._piece(message["body"])
            if not message.get("more_body", False):
                self._answered.set()


class Paged:
    """Units of work that count how often the trail is read, and cannot from the *failing* time on."""

    def __init__(self, uow: UnitOfWorkFactory, failing: int | None = None) -> None:
        self._uow = uow
        self._failing = failing
        self.pages = 0

    def __call__(self) -> Any:
        return self._uow()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        async with self._uow.reading() as work:

            async def page(*arguments: Any, **filters: Any) -> tuple[Event, ...]:
                self.pages += 1
                if self.pages == self._failing:
                    raise Unavailable
                return await work.events.list(*arguments, **filters)

            nouns = {name: getattr(work, name) for name in repositories()}
            yield SimpleNamespace(**nouns | {"events": SimpleNamespace(list=page)})


async def test_what_fails_in_the_middle_does_not_look_complete() -> None:
    ports = memory_ports()
    service = Service(replace(ports, uow=Paged(ports.uow, failing=3)))
    ada = await service.user()
    browser, pieces = await service.browser(ada), list[bytes]()
    async with ports.uow() as work:
        for _ in range(1000):
            await work.events.add(an_event(user_id=UserId(UUID(ada.id))))
    download = Download(service, browser, pieces.append)
    await download.read()
    assert (download.status, download.complete) == (200, False)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b"".join(pieces))


def away() -> Any:
    raise Unavailable


async def test_what_fails_before_it_begins_is_a_problem(service: Service, ada: Person) -> None:
    browser = await service.browser(ada)
    service.services.exports._uow = away
    assert refusal(await browser.get(EXPORT)) == (503, "unavailable")


async def test_a_hundred_thousand_events_go_through_little_memory(databases: Databases, tmp_path: Path) -> None:
    async with databases.sql("sqlite") as database:
        storage = sql_storage(database)
        paged = Paged(storage.uow)
        service = Service(replace(ports_over(storage), uow=paged))
        ada = await service.user()
        browser = await service.browser(ada)
        async with database.writing() as connection:
            await connection.execute_many(
                Statement(insert(METADATA.tables["events"])), many_events(UserId(UUID(ada.id)))
            )
        read_by_then: list[int] = []
        with (tmp_path / "export.json").open("wb") as file:

            def piece(body: bytes) -> None:
                if not tracemalloc.is_tracing() and paged.pages > MEASURED_FROM:
                    tracemalloc.start()
                read_by_then.append(paged.pages)
                file.write(body)

            download = Download(service, browser, piece)
            try:
                await download.read()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert (download.status, download.complete) == (200, True)
        assert 0 < peak < BOUND, peak
        assert read_by_then[0] < 3 < MANY / LIMIT_MAX < read_by_then[-1]
        held = msgspec.json.decode((tmp_path / "export.json").read_bytes())
        assert len(held["done_by_you"]) > MANY
        assert len({event["id"] for event in held["done_by_you"]}) == len(held["done_by_you"])


def many_events(user_id: UserId) -> Iterator[dict[str, Any]]:
    ids = CountingIds(start=1 << 40)
    for _ in range(MANY):
        yield {
            "id": ids.new(),
            "at": START,
            "action": "project.updated",
            "subject": "project:019b76da-a800-7000-8000-000000000fff",
            "actor_kind": "user",
            "user_id": user_id,
            "real_user_id": None,
            "session_id": None,
            "key_id": None,
            "address": ADDRESS,
            "request_id": "a-request",
            "changes": {"name": {"before": "Warehouse", "after": "Depot"}},
        }
