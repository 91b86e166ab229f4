"""Lists: pages, order, and a query string that is read strictly."""

import pytest

from tests.support.service import Person, Service, pointers, refusal

LISTS = ("/v1/projects", "/v1/api-keys")


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def shelves(service: Service, ada: Person) -> Person:
    """Ada with five projects, one a second: b, A, c, É, a."""
    for name in ("b", "A", "c", "É", "a"):
        await ada.project(name)
        service.advance(seconds=1)
    return ada


async def names(person: Person, query: str) -> str:
    answer = await person.get(f"/v1/projects?{query}")
    assert answer.status_code == 200, answer.text
    return "".join(project["name"] for project in answer.json()["data"])


@pytest.mark.parametrize("path", LISTS)
async def test_an_empty_list_is_a_list(ada: Person, path: str) -> None:
    answer = await ada.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    listed = answer.json()
    assert (listed["total"], listed["data"], listed["limit"], listed["offset"]) == (0, [], 50, 0)


async def test_newest_first_unless_somebody_says_otherwise(shelves: Person) -> None:
    assert await names(shelves, "") == "aÉcAb"
    assert await names(shelves, "sorting=created_at") == "bAcÉa"
    assert await names(shelves, "sorting=created_at:asc") == "bAcÉa"
    assert await names(shelves, "sorting=created_at:desc,name") == "aÉcAb"


async def test_text_sorts_by_code_point(shelves: Person) -> None:
    assert await names(shelves, "sorting=name") == "AabcÉ"
    assert await names(shelves, "sorting=name:desc") == "ÉcbaA"
    assert await names(shelves, "sorting=name%3Adesc") == "ÉcbaA"


async def test_the_id_breaks_ties(service: Service, ada: Person) -> None:
    for name in "cab":
        await ada.project(name)
    assert await names(ada, "sorting=created_at:asc") == "cab"
    assert await names(ada, "sorting=created_at:desc") == "bac"
    assert await names(ada, "sorting=updated_at:desc,created_at") == "cab"


async def test_pages_are_cut_from_the_whole(shelves: Person) -> None:
    answer = (await shelves.get("/v1/projects?limit=2&offset=1&sorting=name")).json()
    assert (answer["total"], answer["limit"], answer["offset"]) == (5, 2, 1)
    assert [project["name"] for project in answer["data"]] == ["a", "b"]
    assert await names(shelves, "limit=2&offset=4&sorting=name") == "É"
    assert await names(shelves, "offset=5") == ""
    assert await names(shelves, "limit=200&offset=999999999") == ""


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1.0", "/limit"),
        ("limit=", "/limit"),
        ("limit", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=%201", "/limit"),
        ("limit=1e1", "/limit"),
        ("limit=01", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("limit=99999999999999999999", "/limit"),
        ("offset=-1", "/offset"),
        ("offset=+1", "/offset"),
        ("offset=null", "/offset"),
        ("limit=1&limit=2", "/limit"),
        ("offset=0&offset=0", "/offset"),
        ("sorting=", "/sorting"),
        ("sorting=name,", "/sorting"),
        ("sorting=-name", "/sorting"),
        ("sorting=name:up", "/sorting"),
        ("sorting=NAME", "/sorting"),
        ("sorting=name:DESC", "/sorting"),
        ("sorting=name%20desc", "/sorting"),
        ("sorting=name,name:desc", "/sorting"),
        ("sorting=owner_id", "/sorting"),
        ("sorting=name;drop%20table", "/sorting"),
        ("sorting=" + "a" * 40, "/sorting"),
    ],
)
async def test_a_query_that_is_not_exact_is_refused_by_name(ada: Person, path: str, query: str, at_fault: str) -> None:
    assert pointers(await ada.get(f"{path}?{query}")) == [at_fault]


@pytest.mark.parametrize("path", LISTS)
async def test_what_a_list_sorts_by_is_named(ada: Person, path: str) -> None:
    refused = await ada.get(f"{path}?sorting=password_hash")
    assert "created_at" in refused.json()["detail"]
    assert "password_hash" not in refused.json()["detail"]


@pytest.mark.parametrize("query", ["page=1", "limits=1", "Limit=1", "owner=x", "%6Cimits=1", "=1", "a[b]=c"])
async def test_a_name_that_a_list_does_not_know_is_refused(ada: Person, query: str) -> None:
    answer = await ada.get(f"/v1/projects?{query}")
    assert refusal(answer) == (422, "invalid_input")
    assert "limit, offset, sorting" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=%", "limit=%2", "limit=%zz", "limit=%ff", "limit=%00", "%c3=1"])
async def test_a_query_that_does_not_decode_is_400(ada: Person, query: str) -> None:
    assert refusal(await ada.get(f"/v1/projects?{query}")) == (400, "malformed_request")


async def test_a_list_has_its_own_rows_only(service: Service, shelves: Person) -> None:
    bob = await service.user()
    await bob.project("Mine")
    robot = await bob.key()
    for caller in (bob, robot):
        listed = (await caller.get("/v1/projects")).json()
        assert (listed["total"], [project["name"] for project in listed["data"]]) == (1, ["Mine"])
    admin = await service.admin()
    assert (await admin.get("/v1/projects?limit=1")).json()["total"] == 6


async def test_keys_sort_by_when_they_end_and_those_without_an_end_come_first(ada: Person) -> None:
    for name, expires_in in (("long", "9d"), ("never", None), ("short", "1d")):
        await ada.key(name=name, expires_in=expires_in)

    async def order(sorting: str) -> list[str]:
        return [key["name"] for key in (await ada.get(f"/v1/api-keys?sorting={sorting}")).json()["data"]]

    assert await order("expires_at") == ["never", "short", "long"]
    assert await order("expires_at:desc") == ["long", "short", "never"]
    assert await order("name") == ["long", "never", "short"]


async def test_a_single_resource_takes_no_parameters(ada: Person) -> None:
    project = await ada.project("Warehouse")
    refused = await ada.get(f"/v1/projects/{project['id']}?limit=1")
    assert refusal(refused) == (422, "invalid_input")
    assert refused.json()["detail"] == "query: takes no parameters"
