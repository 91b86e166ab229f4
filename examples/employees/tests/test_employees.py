"""The Employee API, to the letter of its contract."""

import pytest

ADA = {"emp_id": 7, "emp_name": "Ada", "city": "London", "country": "England", "emp_dob": "1985-12-10"}
SHOWN = {name: value for name, value in ADA.items() if name != "emp_dob"}


@pytest.fixture(params=["memory", "sqlite"])
def hexkey_environment(request, tmp_path):
    return {"HEXKEY_DATABASE_URL": "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/hexkey.db"}


@pytest.fixture
async def admin(admin_user_client):
    answer = await admin_user_client.post("/v1/employees", json=ADA)
    assert (answer.status_code, answer.json()) == (201, ADA), answer.text
    assert answer.headers["location"] == "/v1/employees/7"
    return admin_user_client


async def test_users_read_and_admins_write(admin, normal_user_client, client):
    body = ADA | {"emp_id": 8}
    writes = [("POST", "/v1/employees", body), ("PATCH", "/v1/employees/7", {"city": "Paris"})]
    for method, path, json in [*writes, ("DELETE", "/v1/employees/7", None)]:
        assert (await normal_user_client.request(method, path, json=json)).status_code == 403
        assert (await client.request(method, path, json=json)).status_code == 401
    assert (await normal_user_client.get("/v1/employees/7")).json() == SHOWN
    assert (await normal_user_client.get("/v1/employees")).json()["data"] == [SHOWN]
    assert (await client.get("/v1/employees")).status_code == 401


async def test_when_somebody_was_born_is_for_those_who_may_know(admin, scenario):
    assert (await admin.get("/v1/employees/7")).json() == ADA
    clerk = await scenario.person_with("employees:read", "employees:read_pii")
    assert (await clerk.client.get("/v1/employees")).json()["data"] == [ADA]
    guest = (await scenario.person_with("employees:read")).client
    for query in ("sorting=emp_dob", "sort_by=emp_dob", "emp_dob=1985-12-10", "filter_key=emp_dob&value=1985-12-10"):
        assert (await guest.get(f"/v1/employees?{query}")).json()["detail"] == "this needs employees:read_pii"
        assert (await clerk.client.get(f"/v1/employees?{query}")).json()["total"] == 1


async def test_an_emp_id_is_unique(admin):
    answer = await admin.post("/v1/employees", json=ADA | {"emp_name": "Another"})
    assert (answer.status_code, answer.json()["code"]) == (409, "employee_id_taken")
    assert (await admin.get("/v1/employees")).json()["total"] == 1


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("emp_id", 0),
        ("emp_id", -1),
        ("emp_id", 2**31),
        ("emp_id", "7"),
        ("emp_id", None),
        ("emp_dob", "2026-01-02"),
        ("emp_dob", "1985-02-30"),
        ("emp_dob", None),
        ("emp_name", " "),
        ("city", ""),
        ("country", "a" * 129),
    ],
)
async def test_what_is_wrong_is_named(admin, member, value):
    answer = await admin.post("/v1/employees", json=ADA | {"emp_id": 8} | {member: value})
    assert answer.status_code == 422, answer.text
    assert member in answer.text
    assert (await admin.get("/v1/employees")).json()["total"] == 1


async def test_somebody_may_be_born_today(admin):
    answer = await admin.post("/v1/employees", json=ADA | {"emp_id": 8, "emp_dob": "2026-01-01"})
    assert answer.status_code == 201, answer.text


async def test_a_member_that_is_not_known_is_refused(admin):
    assert (await admin.post("/v1/employees", json=ADA | {"emp_id": 8, "salary": 1})).status_code == 422


async def test_a_patch_changes_what_it_names_and_clears_nothing(admin):
    changed = await admin.patch("/v1/employees/7", json={"city": "Paris", "emp_dob": "1985-12-11"})
    assert changed.json() == ADA | {"city": "Paris", "emp_dob": "1985-12-11"}
    for body in ({"city": None}, {"emp_dob": None}, {}, {"emp_id": 8}, {"emp_dob": "2030-01-01"}):
        assert (await admin.patch("/v1/employees/7", json=body)).status_code == 422, body
    assert (await admin.get("/v1/employees/7")).json() == changed.json()


async def test_nobody_overwrites_what_somebody_else_has_changed(admin):
    read = (await admin.get("/v1/employees/7")).headers["etag"]
    assert (await admin.patch("/v1/employees/7", json={"city": "Paris"})).status_code == 200
    stale = {"if-match": read}
    assert (await admin.patch("/v1/employees/7", json={"city": "Rome"}, headers=stale)).status_code == 412
    assert (await admin.delete("/v1/employees/7", headers=stale)).status_code == 412


@pytest.mark.parametrize("emp_id", ["8", "0", "07", "-7", "7.0", "x", "%D9%A7", "9" * 30])
async def test_who_is_not_there_is_not_found(admin, emp_id):
    assert (await admin.get(f"/v1/employees/{emp_id}")).status_code == 404
    assert (await admin.patch(f"/v1/employees/{emp_id}", json={"city": "Paris"})).status_code == 404
    assert (await admin.delete(f"/v1/employees/{emp_id}")).status_code == 404


async def test_whoever_was_let_go_is_gone(admin):
    assert (await admin.delete("/v1/employees/7")).status_code == 204
    assert (await admin.get("/v1/employees/7")).status_code == 404
    assert (await admin.post("/v1/employees", json=ADA)).status_code == 201


@pytest.fixture
async def staff(admin):
    people = [
        (5, "Grace", "New York", "USA"),
        (30, "Émile", "Straßburg", "France"),
        (9, "Linus", "Yorkshire", "England"),
    ]
    for emp_id, name, city, country in people:
        body = {
            "emp_id": emp_id,
            "emp_name": name,
            "city": city,
            "country": country,
            "emp_dob": f"19{60 + emp_id}-01-01",
        }
        assert (await admin.post("/v1/employees", json=body)).status_code == 201
    return admin


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [5, 7, 9, 30]),
        ("sort_by=emp_id&order=desc", [30, 9, 7, 5]),
        ("sorting=country,emp_id:desc", [9, 7, 30, 5]),
        ("sorting=emp_dob", [5, 9, 7, 30]),
        ("city[contains]=york", [5, 9]),
        ("city[contains]=STRASS", [30]),
        ("city[contains]=york&country[contains]=eng", [9]),
        ("country=England", [7, 9]),
        ("emp_id[gt]=7", [9, 30]),
        ("emp_id[in]=5,30", [5, 30]),
        ("emp_dob[lt]=1969-01-01", [5]),
        ("offset=1&limit=2", [7, 9]),
        ("skip=3", [30]),
        ("city[contains]=%25", []),
    ],
)
async def test_a_list_is_filtered_sorted_and_paged(staff, query, found):
    answer = await staff.get(f"/v1/employees?{query}")
    assert [row["emp_id"] for row in answer.json()["data"]] == found, answer.text


@pytest.mark.parametrize("sorting", ["emp_id", "emp_dob:desc", "country,emp_dob", "created_at"])
async def test_a_cursor_goes_on_where_a_page_ended(staff, sorting):
    whole = (await staff.get(f"/v1/employees?sorting={sorting}")).json()["data"]
    met, cursor = [], ""
    while cursor is not None:
        page = (await staff.get(f"/v1/employees?sorting={sorting}&limit=1{cursor and f'&cursor={cursor}'}")).json()
        met, cursor = met + page["data"], page["next"]
    assert met == whole


async def test_what_is_asked_for_twice_under_one_key_is_done_once(admin):
    key = {"idempotency-key": "a-key"}
    answers = [await admin.post("/v1/employees", json=ADA | {"emp_id": 8}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_who_did_what_is_on_record(admin):
    await admin.patch("/v1/employees/7", json={"city": "Paris"})
    await admin.delete("/v1/employees/7")
    events = (await admin.get("/v1/audit-events")).json()["data"]
    assert [e["action"] for e in events if "employee" in e["action"]] == [
        "employee.deleted",
        "employee.updated",
        "employee.created",
    ]


async def test_a_key_reads_with_its_scope_and_not_without(admin, api_key_client):
    assert (await (await api_key_client("employees:read")).get("/v1/employees")).json()["data"] == [SHOWN]
    assert (await (await api_key_client("read")).get("/v1/employees")).status_code == 403
