"""A plain handler is called without the framework's machinery, and nobody can tell by the answer."""

import re
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from litestar import Controller, MediaType, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.dto import MsgspecDTO
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, PathParameter, RequestBody
from litestar.response import Stream
from litestar.types import ASGIApp, ControllerRouterHandler

from adapters.security.webhook_signatures import HmacWebhookSignatures
from app.http import routing
from app.http.bodies import Input
from app.http.doors import ActorRequest, public
from app.http.endpoints import Endpoint, endpoint
from app.http.routes import handlers_of
from app.http.views import ViewResponse
from domain.services.access import AccessService
from tests.support.ports import memory_ports
from tests.support.service import Caller, Service
from tests.support.tour import ABSENT, Diary, Told, tour

BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"content": b"{}"},
    {"content": b"{", "headers": {"content-type": "application/json"}},
    {"content": b'{"name":1,"name":2}', "headers": {"content-type": "application/json"}},
    {"json": {"name": "x", "permissions": []}},
    {"json": {"name": "x", "scopes": ["read"]}},
    {"json": {"api_key": "x"}},
    {"json": {"token": "x", "password": "long enough"}},
    {"json": {"email": "x@example.org"}},
    {"json": {"email": "y@example.org", "current_password": "correct horse battery staple"}},
    {"data": {"token": "x", "grant_type": "x"}},
    {"content": b"token=%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}},
)


class View(msgspec.Struct):
    said: str


class Said(Input, frozen=True, kw_only=True):
    said: str


def as_the_framework_does(app: ASGIApp, _: Any) -> ASGIApp:
    return app


def a_service(*handlers: ControllerRouterHandler) -> Service:
    """With an application of its own, which knows no path yet."""
    ports = memory_ports()
    hooks = HmacWebhookSignatures({"github": ("a secret that is thirty-two bytes",)}, clock=ports.clock)
    return Service(replace(ports, webhook_signatures=hooks), handlers=handlers or [plain])


def endpoints_of(service: Service) -> dict[str, bool]:
    """Every route, and whether its handler is a plain one."""
    return {
        f"{method} {route.path_format}": isinstance(endpoint(route.handle, handler), Endpoint)
        for route in service.app.routes
        for method, (handler, _) in route.route_handler_map.items()  # type: ignore[union-attr]
        if method != "OPTIONS"
    }


@get("/plain", opt=public())
async def plain(request: ActorRequest) -> View:
    return View(str(request.app.state.cookies))


async def everything_told() -> Told:
    """A tour, and then whatever body there is at every route."""
    service, diary = a_service(), Diary()
    service.anyone.http.event_hooks["response"] = [diary.write]
    await tour(service)
    for place, (method, path) in enumerate(sorted((method, path) for method, path, _ in handlers_of(service.app))):
        admin = await service.admin(f"{place}@example.org")
        await ask(admin, method, path)
        browser = await service.browser(await service.admin(f"b{place}@example.org"))
        browser.http.event_hooks["response"] = [diary.write]
        await ask(browser, method, path)
    return diary.told


async def ask(caller: Caller, method: str, path: str) -> None:
    path = re.sub(r"\{(\w+)[^}]*\}", lambda name: "github" if name[1] == "source" else ABSENT, path)
    for body in BODIES if method not in {"GET", "DELETE"} else ({},):
        await caller.send(method, path, **body)


async def test_every_route_answers_as_the_framework_would(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = await everything_told()
    monkeypatch.setattr(routing, "endpoint", as_the_framework_does)
    theirs = await everything_told()
    assert len(ours) > 1000
    for answer, theirs_to_it in zip(ours, theirs, strict=True):
        assert answer == theirs_to_it


def test_no_route_of_ours_is_special() -> None:
    assert [route for route, is_plain in endpoints_of(a_service()).items() if not is_plain] == []


NOTHING = Said(said="nothing")


class Clockwork:
    """What an extension hands to its handlers."""


def clockwork() -> Clockwork:
    return Clockwork()


ONCE = {"works": Provide(clockwork, use_cache=True, sync_to_thread=False)}


class PlainController(Controller):
    path = "/x"
    dependencies = ONCE

    @post("/{name:str}", opt=public())
    async def say(self, name: FromPath[str], works: NamedDependency[Clockwork], data: RequestBody[Said]) -> View:
        return View(f"{name} {type(works).__name__} {data.said}")


@post("/x/{name:str}", opt=public())
async def bodiless(request: ActorRequest, name: FromPath[str], access: NamedDependency[AccessService]) -> None:
    assert access is request.app.state.access


@post("/x/{name:str}", opt=public(), status_code=418)
async def another_status(name: FromPath[str]) -> Response[View]:
    return ViewResponse(View(name), headers={"x-said": name})


@post("/x/{name:str}", opt=public())
async def own_status(name: FromPath[str]) -> ViewResponse[View]:
    return ViewResponse(View(name), status_code=202)


@post("/x/{name:str}", opt=public())
async def cookie(name: FromPath[str]) -> Response[str]:
    return Response(name, cookies=[Cookie("said", name)], media_type=MediaType.TEXT)


@post("/x/{name:str}", opt=public())
async def a_table(name: FromPath[str]) -> dict[str, str]:
    return {"said": name}


@post("/x/{name:str}", opt=public())
async def a_stream(name: FromPath[str]) -> Stream:
    return Stream(iter([name, name]))


@post("/x/{name:str}", opt=public())
async def a_form(request: Request[Any, Any, Any], name: FromPath[str]) -> View:
    return View(f"{name} {await request.form()}")


@post("/x/{name:str}", opt=public())
async def broken(name: FromPath[str]) -> View:
    raise RuntimeError(name)


@post("/x/{name:str}", opt=public())
async def by_default(name: FromPath[str], data: RequestBody[Said] = NOTHING) -> View:
    return View(f"{name} {data.said}")


PLAIN = [
    PlainController, bodiless, another_status, own_status, cookie, a_table, a_stream, a_form, broken, by_default
]  # fmt: skip


def a_special(**options: Any) -> ControllerRouterHandler:
    @post("/x/{name:str}", opt=public(), **options)
    async def special(name: FromPath[str]) -> View:
        return View(name)

    return special


async def refuse(_: ASGIConnection[Any, Any, Any, Any], __: BaseRouteHandler) -> None:
    raise PermissionDeniedException


async def intercept(_: Request[Any, Any, Any]) -> View:
    return View("intercepted")


async def mark(response: Response[Any]) -> Response[Any]:
    response.headers["x-mark"] = "1"
    return response


async def look_after(request: Request[Any, Any, Any]) -> None:
    request.app.state.after = True


class Spelled(Request[Any, Any, Any]):
    """One of somebody's own."""


@post("/x/{name:str}", opt=public(), sync_to_thread=False)
def synchronous(name: FromPath[str]) -> View:
    return View(name)


@post("/x/{id:uuid}", opt=public())
async def converted(id: FromPath[UUID]) -> View:
    return View(repr(id))


@post("/x/{name:str}", opt=public())
async def bounded(name: Annotated[str, PathParameter(max_length=2)]) -> View:
    return View(name)


@post("/x/{other:str}", opt=public())
async def renamed(name: Annotated[str, PathParameter(name="other")]) -> View:
    return View(name)


@post("/x/{name:str}", opt={**public(), "parameters": [{"name": "n", "in": "query", "schema": {"type": "string"}}]})
async def asked(name: FromPath[str], n: FromQuery[int] = 7) -> View:
    return View(f"{name} {n}")


@post("/x/{name:str}", opt=public(), dependencies={"works": Provide(clockwork, sync_to_thread=False)})
async def made_anew(name: FromPath[str], works: NamedDependency[Clockwork]) -> View:
    return View(f"{name} {type(works).__name__}")


@post("/x/{name:str}", opt=public(), dependencies=ONCE)
async def mistaken(name: FromPath[str], works: NamedDependency[AccessService]) -> View:
    return View(f"{name} {type(works).__name__}")


SPECIAL = [
    a_special(guards=[refuse]),
    a_special(before_request=intercept),
    a_special(after_request=mark),
    a_special(after_response=look_after),
    a_special(background=BackgroundTask(clockwork)),
    a_special(response_headers=[ResponseHeader(name="x-fixed", value="1")]),
    a_special(response_cookies=[Cookie("fixed", "1")]),
    a_special(response_class=Response),
    a_special(request_class=Spelled),
    a_special(return_dto=MsgspecDTO[View]),
    a_special(dto=None, return_dto=None),
    a_special(type_decoders=[(lambda kind: kind is UUID, lambda _, value: UUID(value))]),
    synchronous,
    converted,
    bounded,
    renamed,
    asked,
    made_anew,
    mistaken,
]


async def told_by(handler: ControllerRouterHandler) -> Told:
    service, diary = a_service(handler), Diary()
    service.anyone.http.event_hooks["response"] = [diary.write]
    for path in ("/x/ab", "/x/abc%20d", f"/x/{ABSENT}", "/x/ab?n=8", "/x/ab?n=x"):
        for body in ({}, {"json": {"said": "this"}}, {"json": {"said": 1}}, {"data": {"said": "this"}}):
            await service.anyone.send("POST", path, **body)
    return diary.told


@pytest.mark.parametrize("handler", [*PLAIN, *SPECIAL])
async def test_a_handler_from_outside_answers_as_by_the_framework(
    monkeypatch: pytest.MonkeyPatch, handler: ControllerRouterHandler
) -> None:
    ours = await told_by(handler)
    monkeypatch.setattr(routing, "endpoint", as_the_framework_does)
    assert ours == await told_by(handler)


@pytest.mark.parametrize(("handlers", "is_plain"), [(PLAIN, True), (SPECIAL, False)])
def test_whatever_is_special_is_left_to_the_framework(handlers: list[ControllerRouterHandler], is_plain: bool) -> None:
    for handler in handlers:
        found = {route: plain for route, plain in endpoints_of(a_service(handler)).items() if " /x" in route}
        assert list(found.values()) == [is_plain], handler
