"""Lists: pages, order, and a query string that is read strictly."""

from typing import Any

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


async def told(person: Person, path: str) -> dict[str, Any]:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=a", "a"),
        ("name[eq]=a", "a"),
        ("name%5Beq%5D=a", "a"),
        ("name=a&name[eq]=b", ""),
        ("name[ne]=a", "bAcÉ"),
        ("name[gt]=a", "bcÉ"),
        ("name[gte]=a", "bcÉa"),
        ("name[lt]=a", "A"),
        ("name[lte]=a", "Aa"),
        ("name[in]=a,c,%C3%89,z", "cÉa"),
        ("name[contains]=A", "Aa"),
        ("name[contains]=%C3%A9", "É"),
        ("name[contains]=%25", ""),
        ("name[contains]=_", ""),
        ("created_at[gte]=2026-01-01T00:00:00Z&name[lt]=b", "Aa"),
        ("filter_key=name&value=a", "a"),
        ("filter_key=name&value=a&name[contains]=b", ""),
        ("skip=1", "Acéa".replace("é", "É")),
        ("skip=0&limit=2", "bA"),
    ],
)
async def test_a_list_is_filtered(shelves: Person, query: str, found: str) -> None:
    assert await names(shelves, f"sorting=created_at&{query}") == found


async def test_a_list_is_sorted_by_one_field_in_other_words(shelves: Person) -> None:
    assert await names(shelves, "sort_by=name") == "AabcÉ"
    assert await names(shelves, "sort_by=name&order=asc") == "AabcÉ"
    assert await names(shelves, "sort_by=name&order=desc") == "ÉcbaA"


async def test_the_total_counts_what_matches(shelves: Person) -> None:
    listed = await told(shelves, "/v1/projects?name[contains]=a&limit=1")
    assert (listed["total"], len(listed["data"])) == (2, 1)


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("name=", "/name"),
        ("name=" + "a" * 129, "/name"),
        ("name[in]=", "/name[in]"),
        ("name[in]=a,,b", "/name[in]"),
        ("name[in]=" + ",".join("a" * 101), "/name[in]"),
        ("name=a&name=a", "/name"),
        ("owner_id=me", "/owner_id"),
        ("owner_id[in]=01900000-0000-7000-8000-000000000001,", "/owner_id[in]"),
        ("created_at=today", "/created_at"),
        ("created_at[gt]=2026-01-01", "/created_at[gt]"),
        ("created_at[gt]=2026-01-01T00:00:00", "/created_at[gt]"),
        ("created_at[gt]=2026-01-01T00:00:00+01:00", "/created_at[gt]"),
        ("created_at[lt]=2026-02-30T00:00:00Z", "/created_at[lt]"),
        ("offset=1&skip=1", "/skip"),
        ("skip=-1", "/skip"),
        ("filter_key=name", "/value"),
        ("value=alpha", "/filter_key"),
        ("filter_key=password_hash&value=x", "/filter_key"),
        ("filter_key=created_at&value=x", "/value"),
        ("order=desc", "/order"),
        ("sort_by=name&order=down", "/order"),
        ("sort_by=owner_id", "/sorting"),
        ("sort_by=name&sorting=name", "/sort_by"),
        ("cursor=", "/cursor"),
        ("cursor=x", "/cursor"),
        ("cursor=W10.AAAA", "/cursor"),
        ("cursor=" + "a" * 5000, "/cursor"),
    ],
)
async def test_a_filter_that_is_not_exact_is_refused_by_name(ada: Person, query: str, at_fault: str) -> None:
    assert pointers(await ada.get(f"/v1/projects?{query}")) == [at_fault]


@pytest.mark.parametrize(
    "query", ["description=x", "name[like]=x", "name[isnull]=true", "owner_id[gt]=x", "name[]=x", "name[contains=x"]
)
async def test_a_filter_that_a_list_does_not_know_is_refused_with_those_that_it_knows(ada: Person, query: str) -> None:
    answer = await ada.get(f"/v1/projects?{query}")
    assert refusal(answer) == (422, "invalid_input")
    assert "name, name[eq], name[ne]" in answer.json()["detail"]
    assert "created_at[gte]" in answer.json()["detail"]


async def test_keys_are_filtered_by_what_becomes_of_them(service: Service, ada: Person) -> None:
    for name, scopes, expires_in in (("a", ["read"], "5m"), ("b", ["writer"], "9d"), ("c", ["read", "writer"], None)):
        await ada.key(name=name, scopes=scopes, expires_in=expires_in)
    made = {key["name"]: key["id"] for key in (await told(ada, "/v1/api-keys"))["data"]}
    await ada.post(f"/v1/api-keys/{made['b']}/suspend")

    async def found(query: str) -> str:
        listed = await told(ada, f"/v1/api-keys?sorting=name&{query}")
        assert listed["total"] == len(listed["data"])
        return "".join(key["name"] for key in listed["data"])

    assert await found("status=active") == "ac"
    assert await found("status[ne]=active") == "b"
    assert await found("status[in]=suspended,revoked") == "b"
    assert await found("scope=read") == "ac"
    assert await found("scope[ne]=read") == "b"
    assert await found("scope[in]=writer,tasks:read") == "bc"
    assert await found("expires_at[isnull]=true") == "c"
    assert await found("expires_at[isnull]=false") == "ab"
    assert await found("last_used_at[isnull]=true") == "abc"
    assert await found(f"owner_id={ada.id}") == "abc"
    assert await found("owner_id=01900000-0000-7000-8000-000000000001") == ""
    service.advance(minutes=6)
    await ada.post(f"/v1/api-keys/{made['c']}/revoke")
    assert await found("status=expired") == "a"
    assert await found("status=revoked") == "c"
    assert pointers(await ada.get("/v1/api-keys?status=gone")) == ["/status"]


@pytest.mark.parametrize("sorting", ["", "sorting=name", "sorting=name:desc", "sorting=updated_at:desc,name"])
async def test_a_cursor_walks_the_list_to_its_end(shelves: Person, sorting: str) -> None:
    whole = (await told(shelves, f"/v1/projects?{sorting}"))["data"]
    page = await told(shelves, f"/v1/projects?limit=2&{sorting}")
    walked = page["data"]
    while page["next"] is not None:
        page = await told(shelves, f"/v1/projects?limit=1&{sorting}&cursor={page['next']}")
        assert set(page) == {"data", "limit", "next"}
        walked += page["data"]
    assert walked == whole


async def test_a_walk_meets_each_once_while_others_come_and_go(service: Service, shelves: Person) -> None:
    page = await told(shelves, "/v1/projects?limit=2&sorting=created_at")
    walked = page["data"]
    while page["next"] is not None:
        await shelves.delete(f"/v1/projects/{walked[-1]['id']}")
        page = await told(shelves, f"/v1/projects?limit=2&sorting=created_at&cursor={page['next']}")
        walked += page["data"]
    assert "".join(project["name"] for project in walked) == "bAcÉa"


async def test_a_cursor_is_good_for_the_question_that_it_answered_only(shelves: Person) -> None:
    cursor = (await told(shelves, "/v1/projects?limit=1&sorting=name&name[gt]=A"))["next"]
    asked = "sorting=name&name[gt]=A"
    assert await names(shelves, f"{asked}&cursor={cursor}") == "bcÉ"
    assert await names(shelves, f"name[gt]=A&sort_by=name&limit=1&cursor={cursor}") == "b"
    for path, query in (
        ("/v1/projects", ""),
        ("/v1/projects", "sorting=name"),
        ("/v1/projects", "sorting=name:desc&name[gt]=A"),
        ("/v1/projects", "sorting=name&name[gt]=B"),
        ("/v1/projects", "sorting=name&name[gte]=A"),
        ("/v1/projects", f"{asked}&name[ne]=x"),
        ("/v1/projects", f"{asked}&offset=0"),
        ("/v1/projects", f"{asked}&skip=1"),
        ("/v1/api-keys", asked),
    ):
        [at_fault] = pointers(await shelves.get(f"{path}?{query}&cursor={cursor}"))
        assert at_fault in ("/cursor", "/offset", "/skip"), query


async def test_a_forged_cursor_is_refused(shelves: Person) -> None:
    cursor = (await told(shelves, "/v1/projects?limit=1&sorting=name"))["next"]
    place, _, signature = cursor.partition(".")
    other = (await told(shelves, "/v1/projects?limit=2&sorting=name"))["next"]
    for forged in (
        place,
        f"{place}.",
        f".{signature}",
        f"{place}.{other.partition('.')[2]}",
        f"{other.partition('.')[0]}.{signature}",
        f"{cursor}A",
        cursor.swapcase(),
        f"{cursor}.{signature}",
    ):
        assert pointers(await shelves.get(f"/v1/projects?sorting=name&cursor={forged}")) == ["/cursor"]


async def test_a_cursor_grants_nothing(service: Service, shelves: Person) -> None:
    cursor = (await told(shelves, "/v1/projects?limit=1&sorting=name"))["next"]
    bob = await service.user()
    await bob.project("z of Bob")
    seen = await told(bob, f"/v1/projects?sorting=name&cursor={cursor}")
    assert [project["name"] for project in seen["data"]] == ["z of Bob"]
    robot = await bob.key(scopes=["tasks:create"])
    assert refusal(await robot.get(f"/v1/projects?sorting=name&cursor={cursor}")) == (403, "permission_denied")


async def test_what_holds_a_role_is_another_list_than_all_users(service: Service) -> None:
    admin = await service.admin()
    for _ in range(2):
        await service.user()
    role = (await told(admin, "/v1/roles?name=member"))["data"][0]["id"]
    cursor = (await told(admin, f"/v1/roles/{role}/users?limit=1"))["next"]
    assert (await told(admin, f"/v1/roles/{role}/users?cursor={cursor}"))["data"] != []
    assert (await told(admin, f"/v1/roles/{role}/users/?cursor={cursor}"))["data"] != []
    assert pointers(await admin.get(f"/v1/users?cursor={cursor}")) == ["/cursor"]


@pytest.mark.parametrize("path", ["/v1/scopes", "/v1/permissions", "/v1/me/sessions"])
async def test_a_list_that_is_never_longer_than_a_page_goes_nowhere(service: Service, path: str) -> None:
    listed = await told(await service.admin(), path)
    assert (listed["total"], listed["offset"], listed["next"]) == (len(listed["data"]), 0, None)
