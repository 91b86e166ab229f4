"""Who works on a project: viewers, editors and owners, as they themselves and everybody else see it."""

from uuid import uuid4

import pytest

from tests.support.service import Person, Service, pointers, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada", name="Ada")


@pytest.fixture
async def bob(service: Service) -> Person:
    return await service.user("bob@example.org", username="bob")


@pytest.fixture
async def path(ada: Person) -> str:
    return f"/v1/projects/{(await ada.project('Warehouse'))['id']}"


async def roles(caller: Person, path: str) -> dict[str, str]:
    listed = (await caller.get(f"{path}/members?sorting=created_at")).json()
    assert listed["total"] == len(listed["data"])
    return {member["user_id"]: member["role"] for member in listed["data"]}


async def test_whoever_makes_a_project_is_its_owner(ada: Person, path: str) -> None:
    assert (await ada.get(f"{path}/members")).json()["data"] == [
        {
            "user_id": ada.id,
            "role": "owner",
            "username": "ada",
            "name": "Ada",
            "email": None,
            "created_at": "2026-01-01T00:00:00Z",
        }
    ]


async def test_a_member_is_put_as_they_are_listed(service: Service, ada: Person, bob: Person, path: str) -> None:
    service.advance(seconds=1)
    put = await ada.put(f"{path}/members/{bob.id}", role="viewer")
    assert (put.status_code, put.headers["etag"]) == (200, '"1"')
    assert put.json() == {
        "user_id": bob.id,
        "role": "viewer",
        "username": "bob",
        "name": None,
        "email": None,
        "created_at": "2026-01-01T00:00:01Z",
    }
    assert (await bob.get(f"{path}/members?sorting=created_at:desc&limit=1")).json()["data"] == [put.json()]
    assert await roles(bob, path) == {ada.id: "owner", bob.id: "viewer"}


async def test_putting_the_same_again_changes_nothing(service: Service, ada: Person, bob: Person, path: str) -> None:
    first = await ada.put(f"{path}/members/{bob.id}", role="editor")
    again = await ada.put(f"{path}/members/{bob.id}", role="editor")
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), '"1"')
    changed = await ada.put(f"{path}/members/{bob.id}", role="viewer")
    assert (changed.json()["role"], changed.headers["etag"]) == ("viewer", '"2"')
    actions = [event.action for event in await service.events() if "member" in event.action]
    assert actions == ["project.member_changed", "project.member_added"]


async def test_what_a_member_sees_and_does_is_by_their_role(ada: Person, bob: Person, path: str) -> None:
    task = (await ada.post(f"{path}/tasks", title="Count")).headers["location"]

    async def told() -> list[int]:
        answers = (
            await bob.get(path),
            await bob.get(f"{path}/tasks"),
            await bob.get(task),
            await bob.get(f"{path}/members"),
            await bob.post(f"{path}/tasks", title="More"),
            await bob.patch(task, status="doing"),
            await bob.patch(path, description="said"),
            await bob.put(f"{path}/members/{bob.id}", role="owner"),
            await bob.delete(f"{path}/members/{ada.id}"),
            await bob.post(f"{path}/archive"),
            await bob.post(f"{path}/unarchive"),
            await bob.delete(path),
        )
        return [answer.status_code for answer in answers]

    assert await told() == [404] * 12
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    assert await told() == [200] * 4 + [403] * 8
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    assert await told() == [200] * 4 + [201, 200, 200] + [403] * 5
    await ada.put(f"{path}/members/{bob.id}", role="owner")
    assert await told() == [200] * 4 + [201, 200, 200, 200, 204, 200, 200, 204]


async def test_too_low_a_role_is_told_and_no_permission_is_missing(ada: Person, bob: Person, path: str) -> None:
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    refused = await bob.patch(path, name="Mine")
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["detail"] == "this needs the role editor in the project, or a higher one"
    assert "missing_permissions" not in refused.json()
    assert refused.headers["www-authenticate"] == 'Bearer realm="hexkey", error="insufficient_scope"'


async def test_a_member_finds_the_project_in_their_list(service: Service, ada: Person, bob: Person, path: str) -> None:
    service.advance(seconds=1)
    await ada.project("Hidden")
    await bob.project("Bob's")
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    listed = (await bob.get("/v1/projects?sorting=name&limit=1")).json()
    assert ([one["name"] for one in listed["data"]], listed["total"]) == (["Bob's"], 2)
    listed = (await bob.get("/v1/projects?sorting=name&limit=1&offset=1")).json()
    assert ([one["name"] for one in listed["data"]], listed["total"]) == (["Warehouse"], 2)
    await ada.delete(f"{path}/members/{bob.id}")
    assert [one["name"] for one in (await bob.get("/v1/projects")).json()["data"]] == ["Bob's"]


async def test_a_removed_member_sees_nothing_and_has_nothing_to_do(ada: Person, bob: Person, path: str) -> None:
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    task = (await ada.post(f"{path}/tasks", title="Count", assignee_id=bob.id)).headers["location"]
    assert (await ada.delete(f"{path}/members/{bob.id}")).status_code == 204
    assert refusal(await bob.get(task)) == (404, "not_found")
    left = await ada.get(task)
    assert (left.json()["assignee_id"], left.headers["etag"]) == (None, '"2"')
    assert refusal(await ada.delete(f"{path}/members/{bob.id}")) == (404, "not_found")


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
async def test_everybody_may_leave(ada: Person, bob: Person, path: str, role: str) -> None:
    await ada.put(f"{path}/members/{bob.id}", role=role)
    assert (await bob.delete(f"{path}/members/{bob.id}")).status_code == 204
    assert refusal(await bob.get(path)) == (404, "not_found")
    assert await roles(ada, path) == {ada.id: "owner"}


async def test_the_last_owner_stays(service: Service, ada: Person, bob: Person, path: str) -> None:
    admin = await service.admin()
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    for caller in (ada, admin):
        assert refusal(await caller.delete(f"{path}/members/{ada.id}")) == (409, "last_owner")
        assert refusal(await caller.put(f"{path}/members/{ada.id}", role="editor")) == (409, "last_owner")
    assert await roles(ada, path) == {ada.id: "owner", bob.id: "editor"}


async def test_a_project_goes_to_the_owner_who_has_been_there_for_longest(
    service: Service, ada: Person, bob: Person, path: str
) -> None:
    eve = await service.user()
    for member in (eve, bob):
        service.advance(seconds=1)
        await ada.put(f"{path}/members/{member.id}", role="owner")
    assert (await ada.get(path)).json()["owner_id"] == ada.id
    assert (await ada.put(f"{path}/members/{ada.id}", role="viewer")).status_code == 200
    assert (await ada.get(path)).json()["owner_id"] == eve.id
    assert refusal(await ada.patch(path, name="Mine")) == (403, "permission_denied")
    assert (await eve.delete(f"{path}/members/{eve.id}")).status_code == 204
    assert (await bob.get(path)).json()["owner_id"] == bob.id
    [event, _] = [event for event in await service.events() if event.action == "project.updated"]
    assert event.changes == {"owner_id": {"before": eve.id, "after": bob.id}}
    assert (await ada.post("/v1/projects", name="Warehouse")).status_code == 201


async def test_an_owner_whose_name_for_it_is_taken_cannot_be_handed_it(ada: Person, bob: Person, path: str) -> None:
    await bob.project("Warehouse")
    await ada.put(f"{path}/members/{bob.id}", role="owner")
    assert refusal(await ada.delete(f"{path}/members/{ada.id}")) == (409, "project_name_taken")
    assert await roles(ada, path) == {ada.id: "owner", bob.id: "owner"}
    await ada.patch(path, name="Depot")
    assert (await ada.delete(f"{path}/members/{ada.id}")).status_code == 204


async def test_nobody_but_members_can_be_told_apart_from_nobody(ada: Person, bob: Person, path: str) -> None:
    for user_id in (str(uuid4()), "nonsense"):
        assert refusal(await ada.put(f"{path}/members/{user_id}", role="viewer")) == (404, "not_found")
        assert refusal(await ada.delete(f"{path}/members/{user_id}")) == (404, "not_found")
    assert refusal(await ada.delete(f"{path}/members/{bob.id}")) == (404, "not_found")
    absent = f"/v1/projects/{uuid4()}"
    for where in (path, absent, "/v1/projects/nonsense"):
        for answer in (
            await bob.get(f"{where}/members"),
            await bob.put(f"{where}/members/{bob.id}", role="owner"),
            await bob.delete(f"{where}/members/{ada.id}"),
            await bob.delete(f"{where}/members/{bob.id}"),
        ):
            assert refusal(answer) == (404, "not_found")


async def test_a_role_is_one_of_three(ada: Person, bob: Person, path: str) -> None:
    for body in ({"role": "admin"}, {"role": None}, {"role": ["owner"]}):
        assert pointers(await ada.put(f"{path}/members/{bob.id}", **body)) == ["/role"]
    assert pointers(await ada.put(f"{path}/members/{bob.id}", role="viewer", since="today")) == [""]


async def test_a_stale_version_is_refused(ada: Person, bob: Person, path: str) -> None:
    stale, where = ada.saying(if_match='"1"'), f"{path}/members/{bob.id}"
    assert refusal(await stale.put(where, role="viewer")) == (412, "precondition_failed")
    await ada.put(where, role="viewer")
    assert (await stale.put(where, role="editor")).headers["etag"] == '"2"'
    assert refusal(await stale.put(where, role="owner")) == (412, "precondition_failed")
    assert refusal(await stale.delete(where)) == (412, "precondition_failed")
    assert (await ada.saying(if_match='"2"').delete(where)).status_code == 204


async def test_addresses_are_for_those_only_who_may_read_users(service: Service, ada: Person, path: str) -> None:
    admin = await service.admin()
    assert [member["email"] for member in (await admin.get(f"{path}/members")).json()["data"]] == ["ada@example.org"]
    assert [member["email"] for member in (await ada.get(f"{path}/members")).json()["data"]] == [None]


async def test_who_is_deactivated_stays_a_member_and_cannot_act(
    service: Service, ada: Person, bob: Person, path: str
) -> None:
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    admin = await service.admin()
    await admin.delete(f"/v1/users/{bob.id}")
    assert refusal(await bob.get(path)) == (401, "invalid_credential")
    assert await roles(ada, path) == {ada.id: "owner", bob.id: "editor"}


async def test_a_key_acts_as_its_owner_in_the_projects_it_is_bound_to(ada: Person, bob: Person, path: str) -> None:
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    own = (await bob.project("Bob's"))["id"]
    reader, writer = await bob.key("read"), await bob.key("writer")
    bound = await bob.key("writer", project_ids=[path.rpartition("/")[2]])
    elsewhere = await bob.key("writer", project_ids=[own])
    assert (await reader.get(f"{path}/tasks")).status_code == 200
    assert refusal(await reader.post(f"{path}/tasks", title="x")) == (403, "permission_denied")
    assert (await writer.post(f"{path}/tasks", title="x")).status_code == 201
    assert (await bound.post(f"{path}/tasks", title="y")).status_code == 201
    assert [one["name"] for one in (await bound.get("/v1/projects")).json()["data"]] == ["Warehouse"]
    for answer in (
        await bound.get(f"/v1/projects/{own}/tasks"),
        await elsewhere.get(path),
        await elsewhere.get(f"{path}/members"),
        await elsewhere.post(f"{path}/tasks", title="z"),
        await elsewhere.delete(f"{path}/members/{bob.id}"),
    ):
        assert refusal(answer) == (404, "not_found")
    await ada.delete(f"{path}/members/{bob.id}")
    for robot in (reader, writer, bound):
        assert refusal(await robot.get(path)) == (404, "not_found")
    assert (await bound.get("/v1/projects")).json()["total"] == 0


async def test_nobody_makes_or_unmakes_an_owner_who_may_not_delete_themselves(
    ada: Person, bob: Person, path: str
) -> None:
    writer = await ada.key("writer")
    assert (await writer.put(f"{path}/members/{bob.id}", role="editor")).status_code == 200
    refused = await writer.put(f"{path}/members/{bob.id}", role="owner")
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["missing_permissions"] == ["projects:delete"]
    await ada.put(f"{path}/members/{bob.id}", role="owner")
    for answer in (
        await writer.put(f"{path}/members/{bob.id}", role="viewer"),
        await writer.delete(f"{path}/members/{bob.id}"),
    ):
        assert refusal(answer) == (403, "permission_denied")
    assert await roles(ada, path) == {ada.id: "owner", bob.id: "owner"}


async def test_a_project_has_so_many_members_at_the_most(service: Service, ada: Person, bob: Person, path: str) -> None:
    service.services.members._per_project = 2
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    eve = await service.user()
    assert refusal(await ada.put(f"{path}/members/{eve.id}", role="viewer")) == (409, "quota_reached")
    assert (await ada.put(f"{path}/members/{bob.id}", role="editor")).status_code == 200


async def test_what_was_done_to_members_is_in_the_trail(service: Service, ada: Person, bob: Person, path: str) -> None:
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    await bob.delete(f"{path}/members/{bob.id}")
    events = [event for event in await service.events() if "member_" in event.action]
    assert [(event.action, event.changes["role"], str(event.user_id)) for event in events] == [
        ("project.member_removed", "editor", bob.id),
        ("project.member_changed", {"before": "viewer", "after": "editor"}, ada.id),
        ("project.member_added", "viewer", ada.id),
    ]
    assert {event.subject for event in events} == {f"project:{path.rpartition('/')[2]}"}
    assert {event.changes["user_id"] for event in events} == {bob.id}
