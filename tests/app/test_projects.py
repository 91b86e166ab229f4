"""Projects as their owners, and everybody else, see them."""

from uuid import uuid4

import pytest

from tests.support.service import Person, Service, pointers, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


async def test_a_project_is_created_as_it_is_read(ada: Person) -> None:
    created = await ada.post("/v1/projects", name="  Warehouse ", description="What the robots call.")
    project = created.json()
    assert created.status_code == 201
    assert created.headers["location"] == f"/v1/projects/{project['id']}"
    assert created.headers["etag"] == '"1"'
    assert created.headers["cache-control"] == "no-store"
    assert project == {
        "id": project["id"],
        "name": "Warehouse",
        "description": "What the robots call.",
        "owner_id": ada.id,
        "archived_at": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    read = await ada.get(created.headers["location"])
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, project, '"1"')


async def test_a_name_is_unique_per_owner(service: Service, ada: Person) -> None:
    await ada.project("Warehouse")
    assert refusal(await ada.post("/v1/projects", name=" Warehouse")) == (409, "project_name_taken")
    assert (await ada.post("/v1/projects", name="warehouse")).status_code == 201
    bob = await service.user()
    assert (await bob.post("/v1/projects", name="Warehouse")).status_code == 201


@pytest.mark.parametrize("name", ["x" * 128, "👩‍👩‍👧‍👦", "x", "a\u00a0b", "Robert'); DROP TABLE projects;--"])
async def test_names_up_to_128_characters_come_back_as_they_were(ada: Person, name: str) -> None:
    assert (await ada.project(name))["name"] == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 129, "a\nb", "a\tb", "a\x7fb", "\u0085"])
async def test_other_names_are_refused(ada: Person, name: str) -> None:
    assert pointers(await ada.post("/v1/projects", name=name)) == ["/name"]


async def test_a_description_holds_1024_characters_and_line_breaks(ada: Person) -> None:
    assert (await ada.project("a", description="é\n" * 512))["description"] == "é\n" * 512
    assert pointers(await ada.post("/v1/projects", name="b", description="x" * 1025)) == ["/description"]


async def test_members_are_neither_guessed_nor_coerced(ada: Person) -> None:
    assert pointers(await ada.post("/v1/projects", description="no name")) == ["/name"]
    assert pointers(await ada.post("/v1/projects", name=7)) == ["/name"]
    assert pointers(await ada.post("/v1/projects", name=None)) == ["/name"]
    assert pointers(await ada.post("/v1/projects", name="a", owner_id=ada.id)) == [""]


async def test_put_replaces_what_patch_would_leave(service: Service, ada: Person) -> None:
    project = await ada.project("Warehouse", description="old")
    path = f"/v1/projects/{project['id']}"
    service.advance(seconds=1)

    patched = (await ada.patch(path, name="Depot")).json()
    assert (patched["name"], patched["description"]) == ("Depot", "old")
    assert (patched["created_at"], patched["updated_at"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
    assert (await ada.patch(path, description=None)).json()["description"] is None

    await ada.patch(path, description="again")
    put = (await ada.put(path, name="Barn")).json()
    assert (put["name"], put["description"]) == ("Barn", None)
    assert (await ada.get(path)).json() == put


async def test_a_patch_says_something_and_null_is_no_name(ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    assert pointers(await ada.patch(path)) == [""]
    assert pointers(await ada.patch(path, name=None)) == ["/name"]
    assert pointers(await ada.patch(path, id=str(uuid4()))) == [""]
    assert pointers(await ada.put(path, description="no name")) == ["/name"]


async def test_renaming_to_a_taken_name_is_a_conflict_but_to_its_own_is_not(ada: Person) -> None:
    await ada.project("Depot")
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    assert refusal(await ada.patch(path, name="Depot")) == (409, "project_name_taken")
    assert refusal(await ada.put(path, name="Depot")) == (409, "project_name_taken")
    assert (await ada.patch(path, name="Warehouse")).status_code == 200


async def test_a_deleted_project_is_gone_and_its_name_free(ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    deleted = await ada.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert refusal(await ada.get(path)) == (404, "not_found")
    assert refusal(await ada.delete(path)) == (404, "not_found")
    assert (await ada.post("/v1/projects", name="Warehouse")).status_code == 201


async def test_what_one_may_not_see_is_not_there(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    bob = await service.user()
    absent = f"/v1/projects/{uuid4()}"
    for answer in (
        await bob.get(path),
        await bob.put(path, name="Mine"),
        await bob.patch(path, name="Mine"),
        await bob.delete(path),
        await bob.get(absent),
    ):
        assert refusal(answer) == (404, "not_found")
    hidden, missing = (await bob.get(path)).json(), (await bob.get(absent)).json()
    assert (hidden["detail"], hidden["type"]) == (missing["detail"], missing["type"])
    assert (await bob.get("/v1/projects")).json()["total"] == 0
    assert (await ada.get(path)).json()["name"] == "Warehouse"


async def test_who_may_touch_any_project_sees_and_edits_all(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    admin = await service.admin()
    assert [project["name"] for project in (await admin.get("/v1/projects")).json()["data"]] == ["Warehouse"]
    assert (await admin.patch(path, name="Depot")).json()["owner_id"] == ada.id
    assert (await admin.delete(path)).status_code == 204


@pytest.mark.parametrize(
    "id_", ["1", "not-an-id", "0" * 32, "{0}", "%00", "A" * 300, "019B76DA-A800-7000-8000-000000000009", "..%2f.."]
)
async def test_a_malformed_id_is_nothing_that_exists(ada: Person, id_: str) -> None:
    for method in ("GET", "DELETE"):
        assert refusal(await ada.send(method, f"/v1/projects/{id_}")) == (404, "not_found")
    assert refusal(await ada.patch(f"/v1/projects/{id_}", name="x")) == (404, "not_found")


async def test_a_key_reads_or_writes_as_its_scope_says(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    reader, writer = await ada.key("read"), await ada.key("writer")
    assert (await reader.get(path)).status_code == 200
    assert refusal(await reader.patch(path, name="x")) == (403, "permission_denied")
    assert (await writer.patch(path, name="Depot")).status_code == 200
    denied = await writer.delete(path)
    assert refusal(denied) == (403, "permission_denied")
    assert denied.json()["missing_permissions"] == ["projects:delete"]
    assert denied.headers["www-authenticate"] == 'Bearer realm="hexkey", error="insufficient_scope"'
    made = (await writer.post("/v1/projects", name="By robot")).json()
    assert made["owner_id"] == ada.id


async def test_every_change_is_in_the_audit_trail_and_no_refusal_is(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    await ada.patch(path, name="Depot")
    await ada.post("/v1/projects", name="Depot")
    await ada.delete(path)
    actions = [event.action for event in await service.events() if event.action.startswith("project.")]
    assert actions == ["project.deleted", "project.updated", "project.created"]


async def test_an_owner_has_a_thousand_projects_at_the_most(service: Service, ada: Person) -> None:
    service.services.projects._per_owner = 2
    await ada.project("a")
    await ada.project("b")
    assert refusal(await ada.post("/v1/projects", name="c")) == (409, "quota_reached")


async def test_judgement_comes_in_the_order_of_the_contract(service: Service, ada: Person) -> None:
    """401, 403, then the body, then 404, 412, 409."""
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    await ada.project("Depot")
    reader, absent = await ada.key("read"), f"/v1/projects/{uuid4()}"
    bad = {"content": b"{", "headers": {"content-type": "text/plain"}}
    assert refusal(await service.anyone.send("PATCH", absent, **bad)) == (401, "unauthenticated")
    assert refusal(await reader.send("PATCH", absent, **bad)) == (403, "permission_denied")
    assert refusal(await ada.send("PATCH", absent, **bad)) == (415, "unsupported_media_type")
    bad["headers"]["content-type"] = "application/json"
    assert refusal(await ada.send("PATCH", absent, **bad)) == (400, "malformed_request")
    stale = ada.saying(if_match='"9"')
    assert refusal(await stale.patch(absent, name="")) == (422, "invalid_input")
    assert refusal(await stale.patch(absent, name="Depot")) == (404, "not_found")
    assert refusal(await stale.patch(path, name="Depot")) == (412, "precondition_failed")
    assert refusal(await ada.patch(path, name="Depot")) == (409, "project_name_taken")


async def test_an_archived_project_is_only_read(service: Service, ada: Person) -> None:
    path, bob = f"/v1/projects/{(await ada.project('Warehouse'))['id']}", await service.user()
    task = (await ada.post(f"{path}/tasks", title="Count")).headers["location"]
    await ada.put(f"{path}/members/{bob.id}", role="editor")
    service.advance(seconds=1)
    archived = await ada.post(f"{path}/archive")
    assert (archived.status_code, archived.headers["etag"]) == (200, '"2"')
    assert archived.json()["archived_at"] == archived.json()["updated_at"] == "2026-01-01T00:00:01Z"
    assert archived.json() == (await bob.get(path)).json()
    for answer in (
        await ada.patch(path, name="Depot"),
        await bob.put(path, name="Depot"),
        await bob.post(f"{path}/tasks", title="More"),
        await bob.patch(task, status="done"),
        await bob.delete(task),
        await ada.put(f"{path}/members/{bob.id}", role="viewer"),
        await ada.put(f"{path}/members/{bob.id}", role="editor"),
        await ada.delete(f"{path}/members/{bob.id}"),
        await bob.delete(f"{path}/members/{bob.id}"),
    ):
        assert refusal(answer) == (409, "project_archived")
    for read in (path, task, f"{path}/tasks", f"{path}/members"):
        assert (await bob.get(read)).status_code == 200

    back = await ada.post(f"{path}/unarchive")
    assert (back.status_code, back.json()["archived_at"], back.headers["etag"]) == (200, None, '"3"')
    assert (await bob.patch(task, status="done")).status_code == 200


async def test_archiving_again_changes_nothing(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    assert (await ada.post(f"{path}/unarchive")).headers["etag"] == '"1"'
    first = await ada.post(f"{path}/archive")
    service.advance(seconds=1)
    again = await ada.post(f"{path}/archive")
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), '"2"')
    assert refusal(await ada.saying(if_match='"1"').post(f"{path}/unarchive")) == (412, "precondition_failed")
    await ada.post(f"{path}/unarchive")
    actions = [event.action for event in await service.events() if event.action.startswith("project.")]
    assert actions == ["project.unarchived", "project.archived", "project.created"]


async def test_an_archived_project_may_be_deleted(ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    await ada.post(f"{path}/archive")
    assert (await ada.delete(path)).status_code == 204


async def test_archiving_needs_to_change_and_to_read(service: Service, ada: Person) -> None:
    path = f"/v1/projects/{(await ada.project('Warehouse'))['id']}"
    half = await ada.key("projects:update")
    refused = await half.post(f"{path}/archive")
    assert refusal(refused) == (403, "permission_denied")
    assert refused.json()["missing_permissions"] == ["projects:read"]
    assert (await (await ada.key("writer")).post(f"{path}/archive")).status_code == 200
    bob = await service.user()
    assert refusal(await bob.post(f"{path}/unarchive")) == (404, "not_found")
    assert (await (await service.admin()).post(f"{path}/unarchive")).status_code == 200
