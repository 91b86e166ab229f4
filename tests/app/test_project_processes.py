"""Projects, members and tasks written by two workers at once: in a hundred rounds the right statuses, never a 500."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.process import Installation, Server, installation

ROUNDS = 100
STORAGES = ("sqlite", "postgres")


@pytest.fixture(scope="module", params=STORAGES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installation(tmp_path_factory.mktemp(request.param), request.param) as installed:
        yield from serving(installed)


def serving(installed: Installation) -> Iterator[Server]:
    installed.migrate()
    with installed.server(workers=2) as started:
        yield started


class Person:
    """Somebody with a connection of their own for each call that is under way, so that both workers are asked."""

    def __init__(self, server: Server, email: str) -> None:
        limits = httpx.Limits(max_connections=8, max_keepalive_connections=0)
        headers = server.signed_in(email)
        self.http = httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=30)

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        return await self.http.request(method, path, json=body or None)

    async def made(self, path: str, **body: Any) -> str:
        """The path of what is made."""
        answer = await self.ask("POST", path, **body)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])


@pytest.fixture
async def ada(server: Server) -> AsyncIterator[Person]:
    person = Person(server, "ada@example.org")
    async with person.http:
        yield person


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Person]:
    person = Person(server, "bob@example.org")
    async with person.http:
        yield person


async def id_of(person: Person) -> str:
    return str((await person.ask("GET", "/v1/me")).json()["id"])


async def statuses(*asked: Awaitable[httpx.Response]) -> tuple[str, ...]:
    """Each as its status, with its code where it is refused."""
    answers = await asyncio.gather(*asked)
    return tuple(
        f"{answer.status_code}" if answer.is_success else f"{answer.status_code} {answer.json()['code']}"
        for answer in answers
    )


async def test_one_name_for_two(ada: Person) -> None:
    for number in range(ROUNDS):
        seen = await statuses(*(ada.ask("POST", "/v1/projects", name=f"wanted {number}") for _ in range(2)))
        assert sorted(seen) == ["201", "409 project_name_taken"]


async def test_one_member_added_by_two(ada: Person, bob: Person) -> None:
    bob_id = await id_of(bob)
    path = await ada.made("/v1/projects", name="members")
    for _ in range(ROUNDS):
        where = f"{path}/members/{bob_id}"
        puts = (ada.ask("PUT", where, role="editor"), ada.ask("PUT", where, role="editor"))
        assert await statuses(*puts) == ("200", "200")
        assert (await ada.ask("GET", f"{path}/members")).json()["total"] == 2
        assert sorted(await statuses(ada.ask("DELETE", where), ada.ask("DELETE", where))) == ["204", "404 not_found"]


async def test_both_owners_leave(ada: Person, bob: Person) -> None:
    ada_id, bob_id = await id_of(ada), await id_of(bob)
    path, who = await ada.made("/v1/projects", name="owners"), {ada_id: ada, bob_id: bob}
    first = ada_id
    for _ in range(ROUNDS):
        second = bob_id if first == ada_id else ada_id
        put = await who[first].ask("PUT", f"{path}/members/{second}", role="owner")
        assert put.status_code == 200
        left = await statuses(*(person.ask("DELETE", f"{path}/members/{one}") for one, person in who.items()))
        assert sorted(left) == ["204", "409 last_owner"]
        first = list(who)[left.index("409 last_owner")]
        assert (await who[first].ask("GET", path)).json()["owner_id"] == first


async def test_both_owners_remove_the_other(ada: Person, bob: Person) -> None:
    ada_id, bob_id = await id_of(ada), await id_of(bob)
    path, who = await ada.made("/v1/projects", name="rivals"), {ada_id: ada, bob_id: bob}
    first = ada_id
    for _ in range(ROUNDS):
        second = bob_id if first == ada_id else ada_id
        await who[first].ask("PUT", f"{path}/members/{second}", role="owner")
        left = await statuses(
            ada.ask("DELETE", f"{path}/members/{bob_id}"), bob.ask("DELETE", f"{path}/members/{ada_id}")
        )
        assert sorted(left) == ["204", "404 not_found"]
        first = list(who)[left.index("204")]
        listed = (await who[first].ask("GET", f"{path}/members")).json()["data"]
        assert [(one["user_id"], one["role"]) for one in listed] == [(first, "owner")]


async def test_archive_against_write(ada: Person) -> None:
    path = await ada.made("/v1/projects", name="archive")
    task = await ada.made(f"{path}/tasks", title="there")
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        before = (await ada.ask("GET", f"{path}/tasks?limit=1")).json()["total"]

        async def archive() -> tuple[httpx.Response, int]:
            answer = await ada.ask("POST", f"{path}/archive")
            return answer, (await ada.ask("GET", f"{path}/tasks?limit=1")).json()["total"]

        (archived, total), *written = await asyncio.gather(
            archive(),
            ada.ask("POST", f"{path}/tasks", title=f"{number}"),
            ada.ask("PATCH", task, title=f"{number}"),
            ada.ask("PATCH", path, description=f"{number}"),
        )
        assert archived.status_code == 200
        kept = (await ada.ask("GET", f"{path}/tasks?limit=1")).json()["total"]
        assert total == kept == before + (written[0].status_code == 201)
        for answer in written:
            assert answer.is_success or answer.json()["code"] == "project_archived", answer.text
            seen[f"{answer.status_code}"] += 1
        assert (await ada.ask("POST", f"{path}/unarchive")).status_code == 200
    assert set(seen) <= {"200", "201", "409"}
    assert seen["409"]


async def test_one_task_deleted_and_changed(ada: Person) -> None:
    path = await ada.made("/v1/projects", name="tasks")
    for number in range(ROUNDS):
        task = await ada.made(f"{path}/tasks", title=f"{number}")
        deleted, patched = await statuses(ada.ask("DELETE", task), ada.ask("PATCH", task, status="done"))
        assert deleted == "204"
        assert patched in {"200", "404 not_found"}
        assert (await ada.ask("GET", task)).status_code == 404
    assert (await ada.ask("GET", f"{path}/tasks")).json()["total"] == 0
