"""Groups of routes: their door, their limit, what may be left out; and what stops the start."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from litestar import Controller, Router, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from app.composition import assemble
from app.http.application import create_app
from app.http.doors import ActorRequest, Door, key, public, session, user, user_or_key
from app.http.routes import Row, WrongRoutes, limited, routes, table
from domain.model.limits import Policy
from domain.model.permissions import ProjectPermission, TaskPermission
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import Service, refusal


@get("/orders")
async def orders(request: ActorRequest) -> str:
    return request.user.kind


@get("/prices", opt=public())
async def prices() -> str:
    return "cheap"


@get("/reports", opt=limited("1/minute"))
async def reports() -> str:
    return "thick"


@get("/free", opt=limited("off"))
async def free() -> str:
    return "as often as you like"


class StockController(Controller):
    path = "/stock"
    opt = user_or_key(TaskPermission.READ)

    @get("/{thing:str}")
    async def look(self, thing: FromPath[str]) -> str:
        return thing


def partner(**options: Any) -> Router:
    group: dict[str, Any] = {"door": key("read"), "limit": "3/minute", **options}
    return routes("/partner", handlers=[orders, prices, reports, free, StockController], **group)


def service(*handlers: ControllerRouterHandler, without: Iterable[str] = (), **rules: Any) -> Service:
    ports = memory_ports(rules=replace(NO_LIMITS, **rules))
    return Service(ports, handlers=handlers, without=without)


def row(method: str, path: str, app: Service) -> Row:
    return next(row for row in table(app.app) if row[:2] == (method, path))


def plain(**rules: Any) -> list[Row]:
    return table(create_app(assemble(memory_ports(rules=replace(NO_LIMITS, **rules)))))


class TestDoors:
    async def test_a_group_gives_its_door_to_its_routes_and_a_route_may_have_another(self) -> None:
        app = service(partner())
        ada = await app.user()
        robot = await ada.key("read")
        assert (await robot.get("/partner/orders")).json() == "key"
        assert refusal(await ada.get("/partner/orders")) == (403, "credential_kind_not_allowed")
        assert refusal(await app.anyone.get("/partner/orders")) == (401, "unauthenticated")
        assert (await app.anyone.get("/partner/prices")).json() == "cheap"
        assert (await ada.get("/partner/stock/bolts")).json() == "bolts"

    async def test_a_scope_is_the_permissions_that_it_holds(self) -> None:
        app = service(partner())
        ada = await app.user()
        refused = await (await ada.key("projects:read")).get("/partner/orders")
        assert refusal(refused) == (403, "permission_denied")
        assert refused.json()["missing_permissions"] == ["tasks:read"]
        assert row("GET", "/partner/orders", app).permissions == ("projects:read", "tasks:read")

    async def test_an_inner_group_decides_over_the_outer_one(self) -> None:
        @get("/deep")
        async def deep() -> None: ...

        inner = routes("/inner", door=user(ProjectPermission.READ), handlers=[deep])
        app = service(routes("/outer", door=public(same_origin=True), limit="5/hour", handlers=[inner, prices]))
        assert row("GET", "/outer/inner/deep", app) == (
            "GET",
            "/outer/inner/deep",
            "user",
            ("projects:read",),
            "5/hour",
        )
        assert (await app.anyone.get("/outer/prices")).status_code == 200

    async def test_nothing_of_the_groups_door_is_left_where_a_route_has_its_own(self) -> None:
        @get("/mine", opt=user(ProjectPermission.ANY))
        async def mine() -> None: ...

        app = service(routes("/lax", door=user(while_restricted=True), handlers=[mine]))
        assert refusal(await (await app.user()).get("/lax/mine")) == (403, "permission_denied")

    @pytest.mark.parametrize("door", [user(), session(), user_or_key(any_of=("projects:read", "projects:any")), key()])
    async def test_every_door_may_be_a_groups(self, door: dict[str, Any]) -> None:
        app = service(routes("/group", door=door, handlers=[orders]))
        assert row("GET", "/group/orders", app).door == door["door"]
        assert refusal(await app.anyone.get("/group/orders")) == (401, "unauthenticated")


class TestLimits:
    async def test_a_groups_routes_count_together(self) -> None:
        app = service(partner())
        robot = await (await app.user()).key("read")
        answer = await robot.get("/partner/orders")
        assert answer.headers["ratelimit-policy"] == '"/partner 3/minute";q=3;w=60'
        assert answer.headers["ratelimit"] == '"/partner 3/minute";r=2;t=60'
        for _ in range(2):
            assert (await robot.get("/partner/stock/bolts")).status_code == 200
        refused = await robot.get("/partner/orders")
        assert (refusal(refused), refused.headers["retry-after"]) == ((429, "quota_exceeded"), "60")
        assert (await robot.get("/v1/whoami")).status_code == 200
        app.advance(minutes=1)
        assert (await robot.get("/partner/orders")).status_code == 200

    async def test_each_caller_has_their_own_count_people_keys_and_addresses(self) -> None:
        app = service(partner(door=user_or_key()))
        ada = await app.user()
        for caller in (ada, await ada.key("read"), await ada.key("read")):
            for status in (200, 200, 200, 429):
                assert (await caller.get("/partner/orders")).status_code == status
        for place in ("203.0.113.9", "203.0.113.10"):
            for status in (200, 200, 200, 429):
                assert (await app.at(place).get("/partner/prices")).status_code == status

    async def test_a_callers_own_limit_holds_besides_and_what_one_refuses_the_other_does_not_count(self) -> None:
        app = service(partner(), default_limit=Policy(2, 1))
        ada = await app.user()
        robot = await ada.key("read", limits=["2/second", "9/hour"])
        answer = await robot.get("/partner/orders")
        policies = '"2/second";q=2;w=1, "9/hour";q=9;w=3600, "/partner 3/minute";q=3;w=60'
        assert answer.headers["ratelimit-policy"] == policies
        await robot.get("/partner/orders")
        for _ in range(5):
            refused = await robot.get("/partner/orders")
            assert (refusal(refused)[0], refused.headers["retry-after"]) == (429, "1")
        app.advance(seconds=1)
        assert (await robot.get("/partner/orders")).status_code == 200
        app.advance(seconds=1)
        refused = await robot.get("/partner/orders")
        assert (refusal(refused)[0], refused.headers["retry-after"]) == (429, "58")
        assert refused.headers["ratelimit"] == '"2/second";r=2;t=1, "9/hour";r=6;t=3598, "/partner 3/minute";r=0;t=58'

    async def test_the_anonymous_limit_holds_besides(self) -> None:
        app = service(partner(), anonymous_limit=Policy(2, 60))
        for status in (200, 200, 429):
            assert (await app.anyone.get("/partner/prices")).status_code == status

    async def test_a_route_may_have_a_limit_of_its_own_or_none(self) -> None:
        app = service(partner())
        robot = await (await app.user()).key("read")
        for status in (200, 429):
            assert (await robot.get("/partner/reports")).status_code == status
        for _ in range(5):
            answer = await robot.get("/partner/free")
            assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)
        assert (await robot.get("/partner/orders")).headers["ratelimit"] == '"/partner 3/minute";r=2;t=60'

    async def test_groups_that_name_one_counter_count_together_and_others_apart(self) -> None:
        app = service(
            routes("/a", door=key(), limit="2/minute", counter="both", handlers=[orders]),
            routes("/b", door=key(), limit="2/minute", counter="both", handlers=[orders]),
            routes("/c", door=key(), limit="2/minute", handlers=[orders]),
            routes("/d", door=key(), handlers=[routes("/c", limit="2/minute", handlers=[orders])]),
        )
        robot = await (await app.user()).key("read")
        for path, status in (
            ("/a", 200),
            ("/b", 200),
            ("/a", 429),
            ("/c", 200),
            ("/c", 200),
            ("/c", 429),
            ("/d/c", 200),
        ):
            assert (await robot.get(f"{path}/orders")).status_code == status, path

    async def test_who_may_not_come_in_is_not_counted_by_the_group(self) -> None:
        app = service(partner())
        robot = await (await app.user()).key("projects:read")
        for _ in range(5):
            assert refusal(await robot.get("/partner/orders"))[0] == 403


class TestTheTable:
    def test_it_shows_the_limit_that_a_route_has_or_that_of_whoever_calls(self) -> None:
        app = service(partner(), default_limit=Policy(600, 60), anonymous_limit=Policy(60, 60))
        shown = {path: row("GET", path, app).limit for path in ("/v1/projects", "/", "/health/live", "/partner/orders")}
        shown |= {path: row("GET", path, app).limit for path in ("/partner/reports", "/partner/free")}
        assert shown == {
            "/v1/projects": "600/minute",
            "/": "60/minute",
            "/health/live": "none",
            "/partner/orders": "3/minute",
            "/partner/reports": "1/minute",
            "/partner/free": "600/minute",
        }
        assert {row.limit for row in plain()} == {"none"}

    def test_it_shows_no_options_and_every_door(self) -> None:
        rows = plain()
        assert not {row.method for row in rows} & {"HEAD", "OPTIONS"}
        assert {row.door for row in rows} <= set(Door)


class TestWhatStopsTheStart:
    def refused(self, *handlers: Any, without: Iterable[str] = ()) -> str:
        with pytest.raises(WrongRoutes) as wrong:
            create_app(assemble(memory_ports()), handlers=handlers, without=without)
        return str(wrong.value)

    def test_a_route_without_a_door(self) -> None:
        assert self.refused(routes("/partner", handlers=[orders])) == "GET /partner/orders: no door"

    @pytest.mark.parametrize("scope", ["reed", "projects:raed", ""])
    def test_a_scope_that_does_not_exist(self, scope: str) -> None:
        sentence = f"GET /partner/orders: {scope} is no scope and no permission"
        assert self.refused(routes("/partner", door=key(scope), handlers=[orders])) == sentence
        assert self.refused(routes("/partner", door=user_or_key(any_of=(scope,)), handlers=[orders])) == sentence

    @pytest.mark.parametrize("limit", ["1000", "0/minute", "10/fortnight", "", "10/minute ", "unlimited", "-1/day"])
    def test_a_limit_that_is_none(self, limit: str) -> None:
        wrong = self.refused(routes("/partner", door=key(), limit=limit, handlers=[orders]))
        assert wrong == f"GET /partner/orders: {limit!r} is no limit such as 1000/minute (second, minute, hour, day)"

    def test_one_counter_with_two_limits(self) -> None:
        wrong = self.refused(
            routes("/a", door=key(), limit="2/minute", counter="both", handlers=[orders]),
            routes("/b", door=key(), limit="3/minute", counter="both", handlers=[orders]),
        )
        assert wrong == "GET /b/orders: both counts to 3/minute here, and to 2/minute elsewhere"

    def test_a_counter_that_no_header_can_name(self) -> None:
        wrong = self.refused(routes("/a", door=key(), limit="2/minute", counter='"\n', handlers=[orders]))
        assert wrong.startswith("GET /a/orders: '\"\\n' is no name for a counter")

    def test_a_limit_on_what_is_not_counted(self) -> None:
        wrong = self.refused(routes("/a", door=public(limited=False), limit="2/minute", handlers=[orders]))
        assert wrong == "GET /a/orders: is not counted and has a limit"

    def test_all_of_it_is_told_at_once(self) -> None:
        wrong = self.refused(routes("/a", limit="x", handlers=[orders]), routes("/b", door=key("?"), handlers=[orders]))
        assert [line.partition(":")[0] for line in wrong.splitlines()] == ["GET /a/orders", "GET /b/orders"]

    def test_a_route_that_is_there_already(self) -> None:
        @get("/v1/projects", opt=public())
        async def mine() -> None: ...

        wrong = self.refused(mine)
        assert "'/v1/projects' and http method GET" in wrong
        assert "`without`" in wrong

    def test_a_route_that_differs_from_another_in_names_alone(self) -> None:
        @get("/v1/projects/{mine:str}", opt=public())
        async def one(mine: FromPath[str]) -> None: ...

        assert "/v1/projects/{mine}" in self.refused(one)

    @pytest.mark.parametrize("name", ["GET /v1/auth/register", "/v1/auth/registr", "POST", "/v1", "get /docs", ""])
    def test_a_name_of_no_route_to_leave_out(self, name: str) -> None:
        assert self.refused(without=["/docs", name]) == f"{name}: there is no such route to leave out"


class TestWhatIsLeftOut:
    async def test_a_route_or_a_whole_path_is_gone_and_its_neighbours_are_not(self) -> None:
        app = service(without=["POST /v1/auth/register", "/v1/projects/{project_id}", "/docs", "/"])
        ada = await app.admin()
        assert refusal(await app.anyone.post("/v1/auth/register", email="a@example.org")) == (404, "not_found")
        assert refusal(await app.anyone.get("/docs")) == (404, "not_found")
        assert refusal(await app.anyone.get("/")) == (404, "not_found")
        made = await ada.post("/v1/projects", name="Warehouse")
        assert made.status_code == 201
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert refusal(await ada.send(method, made.headers["location"])) == (404, "not_found")
        assert "/v1/auth/register" not in (await app.anyone.get("/openapi.json")).json()["paths"]

    async def test_of_one_path_one_method_may_go(self) -> None:
        app = service(without=["POST /v1/projects"])
        admin = await app.admin()
        assert refusal(await admin.post("/v1/projects", name="Warehouse")) == (405, "method_not_allowed")
        assert (await admin.get("/v1/projects")).status_code == 200

    async def test_an_application_has_its_own_in_their_place(self) -> None:
        @post("/v1/auth/register", opt=public(), status_code=202)
        async def mine() -> str:
            return "mine"

        app = service(mine, without=["POST /v1/auth/register"])
        answer = await app.anyone.post("/v1/auth/register")
        assert (answer.status_code, answer.json()) == (202, "mine")

    async def test_another_application_has_them_all_the_same(self) -> None:
        service(without=["POST /v1/projects"])
        assert (await (await service().user()).project("Warehouse"))["name"] == "Warehouse"
