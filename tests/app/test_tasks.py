"""Tasks of a project, as its members write and read them."""

from uuid import uuid4

import pytest

from tests.support.service import Person, Service, pointers, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def path(ada: Person) -> str:
    return f"/v1/projects/{(await ada.project('Warehouse'))['id']}"


async def a_task(caller: Person, path: str, **members: object) -> str:
    """Where it is."""
    answer = await caller.post(f"{path}/tasks", **{"title": "Count", **members})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def test_a_task_is_created_as_it_is_read(ada: Person, path: str) -> None:
    created = await ada.post(
        f"{path}/tasks",
        title="  Count the shelves ",
        description="All\nof them.",
        due_at="2026-02-01T12:00:00+02:00",
        assignee_id=ada.id,
    )
    task = created.json()
    assert created.status_code == 201
    assert created.headers["location"] == f"{path}/tasks/{task['id']}"
    assert created.headers["etag"] == '"1"'
    assert task["id"][14] == "7"
    assert task == {
        "id": task["id"],
        "project_id": path.rpartition("/")[2],
        "title": "Count the shelves",
        "description": "All\nof them.",
        "status": "todo",
        "due_at": "2026-02-01T10:00:00Z",
        "assignee_id": ada.id,
        "creator_id": ada.id,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    read = await ada.get(created.headers["location"])
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, task, '"1"')


async def test_a_title_alone_is_enough_and_nothing_less(ada: Person, path: str) -> None:
    plain = (await ada.post(f"{path}/tasks", title="x")).json()
    assert (plain["description"], plain["due_at"], plain["assignee_id"]) == (None, None, None)
    for body in (
        {"description": "no title"},
        {"title": ""},
        {"title": "  "},
        {"title": "x" * 257},
        {"title": "a\nb"},
        {"title": None},
    ):
        assert pointers(await ada.post(f"{path}/tasks", **body)) == ["/title"]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"description": "x" * 1025}, "/description"),
        ({"due_at": "2026-02-01T12:00:00"}, "/due_at"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "/due_at"),
        ({"due_at": 7}, "/due_at"),
        ({"assignee_id": "nonsense"}, "/assignee_id"),
        ({"status": "done"}, ""),
        ({"project_id": "x"}, ""),
    ],
)
async def test_what_is_wrong_is_pointed_at(ada: Person, path: str, members: dict[str, object], pointer: str) -> None:
    assert pointers(await ada.post(f"{path}/tasks", title="x", **members)) == [pointer]


async def test_the_ends_of_the_calendar_are_times_too(ada: Person, path: str) -> None:
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        assert (await ada.get(await a_task(ada, path, due_at=at))).json()["due_at"] == at


async def test_a_task_is_given_to_members_only_and_nobody_learns_who_else_there_is(
    service: Service, ada: Person, path: str
) -> None:
    bob = await service.user()
    for stranger in (bob.id, str(uuid4())):
        refused = await ada.post(f"{path}/tasks", title="x", assignee_id=stranger)
        assert pointers(refused) == ["/assignee_id"]
        assert refused.json()["errors"][0]["detail"] == "is not a member of the project"
    await ada.put(f"{path}/members/{bob.id}", role="viewer")
    task = await a_task(ada, path, assignee_id=bob.id)
    assert pointers(await ada.patch(task, assignee_id=str(uuid4()))) == ["/assignee_id"]
    assert (await ada.patch(task, assignee_id=None)).json()["assignee_id"] is None
    assert (await ada.patch(task, assignee_id=bob.id)).json()["assignee_id"] == bob.id


async def test_a_patch_clears_changes_or_leaves(service: Service, ada: Person, path: str) -> None:
    task = await a_task(ada, path, description="old", due_at="2026-02-01T00:00:00Z")
    service.advance(seconds=1)
    patched = (await ada.patch(task, status="doing", description=None)).json()
    assert (patched["status"], patched["description"], patched["due_at"]) == ("doing", None, "2026-02-01T00:00:00Z")
    assert (patched["title"], patched["updated_at"]) == ("Count", "2026-01-01T00:00:01Z")
    cleared = (await ada.patch(task, due_at=None, title="Done", status="done")).json()
    assert (cleared["due_at"], cleared["title"], cleared["status"]) == (None, "Done", "done")
    assert (await ada.get(task)).json() == cleared
    assert pointers(await ada.patch(task)) == [""]
    for name, value in (("title", None), ("status", None), ("status", "finished"), ("title", " ")):
        assert pointers(await ada.patch(task, **{name: value})) == [f"/{name}"]
    assert pointers(await ada.patch(task, id=str(uuid4()))) == [""]


async def test_versions_are_asked_for_and_told(ada: Person, path: str) -> None:
    task = await a_task(ada, path)
    assert (await ada.saying(if_none_match='"1"').get(task)).status_code == 304
    assert (await ada.saying(if_match='"1"').patch(task, status="doing")).headers["etag"] == '"2"'
    stale = ada.saying(if_match='"1"')
    assert refusal(await stale.patch(task, status="done")) == (412, "precondition_failed")
    assert refusal(await stale.delete(task)) == (412, "precondition_failed")
    assert (await ada.saying(if_none_match='"1"').get(task)).json()["status"] == "doing"
    assert (await ada.saying(if_match='"2"').delete(task)).status_code == 204
    assert refusal(await ada.get(task)) == (404, "not_found")
    assert refusal(await ada.delete(task)) == (404, "not_found")


async def test_a_list_is_paged_and_sorted(ada: Person, path: str) -> None:
    for title, due in (("b", None), ("a", "2026-02-02T00:00:00Z"), ("c", "2026-02-01T00:00:00Z")):
        await a_task(ada, path, title=title, due_at=due)
    await a_task(ada, f"/v1/projects/{(await ada.project('Other'))['id']}")

    async def titles(query: str) -> list[str]:
        return [task["title"] for task in (await ada.get(f"{path}/tasks?{query}")).json()["data"]]

    assert await titles("sorting=title") == ["a", "b", "c"]
    assert await titles("sorting=due_at") == ["b", "c", "a"]
    assert await titles("sorting=created_at:desc&limit=2") == ["c", "a"]
    page = (await ada.get(f"{path}/tasks?limit=1&offset=1&sorting=title")).json()
    assert (page["total"], page["limit"], page["offset"], page["data"][0]["title"]) == (3, 1, 1, "b")
    assert pointers(await ada.get(f"{path}/tasks?sorting=owner_id")) == ["/sorting"]


async def test_a_task_is_found_in_its_own_project_only(service: Service, ada: Person, path: str) -> None:
    task = await a_task(ada, path)
    task_id, other = task.rpartition("/")[2], f"/v1/projects/{(await ada.project('Other'))['id']}"
    bob = await service.user()
    mine = f"/v1/projects/{(await bob.project('Mine'))['id']}"
    for caller, where in (
        (ada, f"{other}/tasks/{task_id}"),
        (ada, f"{path}/tasks/{uuid4()}"),
        (ada, f"{path}/tasks/nonsense"),
        (ada, f"/v1/projects/{uuid4()}/tasks/{task_id}"),
        (ada, f"/v1/projects/nonsense/tasks/{task_id}"),
        (bob, task),
        (bob, f"{mine}/tasks/{task_id}"),
    ):
        for answer in (await caller.get(where), await caller.patch(where, status="done"), await caller.delete(where)):
            assert refusal(answer) == (404, "not_found")
    for answer in (await bob.get(f"{path}/tasks"), await bob.post(f"{path}/tasks", title="x")):
        assert refusal(answer) == (404, "not_found")
    assert (await ada.get(task)).json()["status"] == "todo"


async def test_each_permission_opens_its_own(service: Service, ada: Person, path: str) -> None:
    task = await a_task(ada, path)

    async def told(*permissions: str) -> list[int]:
        eve = await service.person_with(*permissions)
        await ada.put(f"{path}/members/{eve.id}", role="editor")
        answers = (
            await eve.get(task),
            await eve.get(f"{path}/tasks"),
            await eve.post(f"{path}/tasks", title="x"),
            await eve.patch(task, title="y"),
        )
        return [answer.status_code for answer in answers]

    assert await told("tasks:read") == [200, 200, 403, 403]
    assert await told("tasks:create") == [403, 403, 201, 403]
    assert await told("tasks:update") == [403, 403, 403, 200]
    assert await told("projects:read", "projects:update") == [403] * 4
    deleter = await service.person_with("tasks:delete")
    await ada.put(f"{path}/members/{deleter.id}", role="editor")
    assert (await deleter.delete(task)).status_code == 204


async def test_who_may_touch_any_project_writes_its_tasks(service: Service, ada: Person, path: str) -> None:
    task, admin = await a_task(ada, path), await service.admin()
    assert (await admin.patch(task, status="done")).status_code == 200
    made = (await admin.post(f"{path}/tasks", title="By the admin")).json()
    assert made["creator_id"] == admin.id
    assert pointers(await admin.patch(task, assignee_id=admin.id)) == ["/assignee_id"]


async def test_a_project_has_so_many_tasks_at_the_most(service: Service, ada: Person, path: str) -> None:
    service.services.tasks._per_project = 2
    await a_task(ada, path)
    task = await a_task(ada, path)
    assert refusal(await ada.post(f"{path}/tasks", title="x")) == (409, "quota_reached")
    await ada.delete(task)
    await a_task(ada, path)


async def test_tasks_go_with_their_project(ada: Person, path: str) -> None:
    task = await a_task(ada, path)
    await ada.delete(path)
    assert refusal(await ada.get(task)) == (404, "not_found")


async def test_every_change_is_in_the_audit_trail_and_no_refusal_is(service: Service, ada: Person, path: str) -> None:
    task = await a_task(ada, path)
    await ada.patch(task, status="doing")
    await ada.patch(task, title="")
    await ada.delete(task)
    events = [event for event in await service.events() if event.action.startswith("task.")]
    about = {"project_id": path.rpartition("/")[2]}
    assert [(event.action, event.changes) for event in events] == [
        ("task.deleted", {**about, "title": "Count"}),
        ("task.updated", {**about, "status": {"before": "todo", "after": "doing"}}),
        ("task.created", {**about, "title": "Count"}),
    ]
    assert {event.subject for event in events} == {f"task:{task.rpartition('/')[2]}"}


async def test_judgement_comes_in_the_order_of_the_contract(service: Service, ada: Person, path: str) -> None:
    """401, 403, then the body, then 404, 412, 409."""
    task, reader = await a_task(ada, path), await ada.key("read")
    absent = f"{path}/tasks/{uuid4()}"
    bad = {"content": b"{", "headers": {"content-type": "application/json"}}
    assert refusal(await service.anyone.send("PATCH", absent, **bad)) == (401, "unauthenticated")
    assert refusal(await reader.send("PATCH", absent, **bad)) == (403, "permission_denied")
    assert refusal(await ada.send("PATCH", absent, **bad)) == (400, "malformed_request")
    await ada.post(f"{path}/archive")
    stale = ada.saying(if_match='"9"')
    assert refusal(await stale.patch(absent, title="")) == (422, "invalid_input")
    assert refusal(await stale.patch(absent, title="x")) == (404, "not_found")
    assert refusal(await stale.patch(task, title="x")) == (412, "precondition_failed")
    assert refusal(await ada.patch(task, title="x")) == (409, "project_archived")
