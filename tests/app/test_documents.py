"""The OpenAPI document says what the service does; ``/docs`` shows it without the internet."""

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, get, patch, post
from litestar.params import FromPath, RequestBody
from litestar.testing import TestClient

from app.http import documents
from app.http.application import Exposure
from app.http.bodies import Form, Input, Patch, StrictBody
from app.http.documents import document_routes
from app.http.problems import exception_handlers, oauth_handlers
from tests.support.ports import memory_ports
from tests.support.service import Service

LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}}


class NewRobot(Input):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128, examples=["Arm"])]
    limits: Annotated[list[Annotated[str, msgspec.Meta(max_length=32)]], msgspec.Meta(max_length=8)] = []


class RobotPatch(Patch):
    name: str | msgspec.UnsetType | None = msgspec.UNSET


class TokenForm(Form):
    grant_type: str


class RobotView(msgspec.Struct):
    id: UUID
    name: str


@get("/robots", opt={"door": "user or key", "parameters": [LIMIT]})
async def robots() -> list[RobotView]:
    """List the robots."""
    return []


@post("/robots", opt={"door": "user or key"})
async def add_robot(data: RequestBody[NewRobot]) -> RobotView:
    return RobotView(UUID(int=0), data.name)


@patch("/robots/{robot_id:uuid}", opt={"door": "session"})
async def patch_robot(robot_id: FromPath[UUID], data: RequestBody[RobotPatch | None] = None) -> RobotView:
    return RobotView(robot_id, str(data))


@post("/robots/check", opt={"door": "user or key"}, status_code=200)
async def check_robot(data: RequestBody[NewRobot]) -> None:
    return None


@get("/alive", opt={"door": "public", "limited": False})
async def alive() -> None:
    return None


@post("/token", opt={"door": "public"}, status_code=200, exception_handlers=oauth_handlers)
async def token(data: RequestBody[TokenForm]) -> dict[str, str]:
    return {"grant_type": data.grant_type}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    routes = [robots, add_robot, patch_robot, check_robot, alive, token]
    routes += document_routes(version="1.2.3", secure_cookies=True)
    app = Litestar(routes, dto=StrictBody, exception_handlers=exception_handlers, openapi_config=None)
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient[Litestar]) -> Any:
    return client.get("/openapi.json").json()


def resolved(document: Any, node: Any) -> Any:
    """*node*, or what it refers to; a dangling reference is a KeyError."""
    if "$ref" not in node:
        return node
    found = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(document, found)


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def operations(document: Any) -> list[Any]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def test_it_is_an_openapi_3_1_document_of_the_routes(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Hexkey", "1.2.3")
    assert {(path, method) for path, item in document["paths"].items() for method in item} == {
        ("/robots", "get"), ("/robots", "post"), ("/robots/{robot_id}", "patch"), ("/robots/check", "post"),
        ("/alive", "get"), ("/token", "post"),
    }  # fmt: skip


def test_every_reference_leads_somewhere(document: Any) -> None:
    references = [node for node in nodes(document) if isinstance(node, dict) and isinstance(node.get("$ref"), str)]
    assert references
    assert all(resolved(document, node) for node in references)


def test_operation_ids_are_unique(document: Any) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert "post_robots" in ids


def test_every_path_parameter_is_declared(document: Any) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))


def test_a_request_body_keeps_every_bound_and_refuses_more(document: Any) -> None:
    body = document["paths"]["/robots"]["post"]["requestBody"]
    schema = resolved(document, body["content"]["application/json"]["schema"])
    assert schema["additionalProperties"] is False
    assert schema["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 128, "examples": ["Arm"]}
    limits = schema["properties"]["limits"]
    assert (limits["maxItems"], limits["items"]["maxLength"]) == (8, 32)
    assert body["required"] is True


def test_an_optional_body_is_not_required(document: Any) -> None:
    body = document["paths"]["/robots/{robot_id}"]["patch"]["requestBody"]
    assert body["required"] is False
    assert "name" in resolved(document, body["content"]["application/json"]["schema"])["properties"]


def test_a_form_is_declared_as_one_and_answers_as_oauth(document: Any) -> None:
    operation = document["paths"]["/token"]["post"]
    assert [*operation["requestBody"]["content"]] == ["application/x-www-form-urlencoded"]
    assert set(operation["responses"]["400"]["content"]) == {"application/json", "application/problem+json"}


def test_what_a_handler_reads_from_the_query_itself_is_declared(document: Any) -> None:
    assert LIMIT in document["paths"]["/robots"]["get"]["parameters"]


@pytest.mark.parametrize(
    ("path", "method", "schemes"),
    [
        ("/robots", "get", {"bearer", "api_key", "session"}),
        ("/robots/{robot_id}", "patch", {"session", "csrf"}),
        ("/token", "post", set()),
    ],
)
def test_the_door_is_the_security_requirement(document: Any, path: str, method: str, schemes: set[str]) -> None:
    security = document["paths"][path][method]["security"]
    assert {scheme for requirement in security for scheme in requirement} == schemes
    assert schemes <= set(document["components"]["securitySchemes"])


def test_every_operation_declares_its_errors_as_problems(document: Any) -> None:
    declared = {
        (operation["operationId"], status)
        for operation in operations(document)
        for status, response in operation["responses"].items()
        if "application/problem+json" in resolved(document, response).get("content", {})
    }
    everywhere = {(operation["operationId"], s) for operation in operations(document) for s in ("400", "422", "503")}
    assert everywhere <= declared
    patched = {status for name, status in declared if name.startswith("patch_robots")}
    assert patched == {"400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "429", "500", "503"}
    assert {status for name, status in declared if name == "post_robots"} == patched - {"404"}
    assert {status for name, status in declared if name == "post_robots_check"} == patched - {"404"}
    assert {status for name, status in declared if name == "get_alive"} == {"400", "422", "500", "503"}
    assert {("get_robots", "429"), ("post_token", "429")} <= declared
    assert ("get_robots", "415") not in declared
    assert ("post_token", "401") not in declared


def test_the_docs_page_refers_to_local_files_that_exist(client: TestClient[Litestar]) -> None:
    page = client.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    assert "<script>" not in page.text
    for link in links:
        assert link.startswith("/docs/")
        asset = client.get(link)
        assert (asset.status_code, len(asset.content) > 50) == (200, True)
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/docs/start.js").headers["content-type"].startswith("text/javascript")


async def test_the_document_is_made_once_and_the_event_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    service, loop = Service(memory_ports(), Exposure(public_url="http://apart.example")), threading.get_ident()
    made: list[int] = []
    describe = documents.describe

    def describing(*args: Any, **named: Any) -> Any:
        made.append(threading.get_ident())
        return describe(*args, **named)

    monkeypatch.setattr(documents, "describe", describing)
    answers = await asyncio.gather(*(service.anyone.get("/openapi.json") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(made) == 1
    assert loop not in made


async def test_a_document_that_could_not_be_made_is_tried_again() -> None:
    shelf, tries = documents.Shelf(), iter([OSError("no file"), b"page"])

    def make() -> bytes:
        made = next(tries)
        if isinstance(made, Exception):
            raise made
        return made

    with pytest.raises(OSError, match="no file"):
        await shelf.take("page", make)
    assert [await shelf.take("page", make), await shelf.take("page", make)] == [b"page", b"page"]


async def test_what_stands_behind_a_door_is_kept_by_nobody_else() -> None:
    ada = await Service(memory_ports(), Exposure(docs="auth")).user()
    page = await ada.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {(await ada.get(link)).headers["cache-control"] for link in links} == {
        "private, max-age=31536000, immutable"
    }
    assert (await ada.get("/openapi.json")).headers["cache-control"] == "no-store"


async def test_every_tag_begins_with_a_capital(service: Service) -> None:
    document = (await service.anyone.get("/openapi.json")).json()
    assert {tag for operation in operations(document) for tag in operation["tags"]} == {
        "API keys", "Audit", "Me", "Projects", "Roles", "Scopes", "Service", "Sign-in", "Users", "Webhooks",
    }  # fmt: skip


def test_the_docs_run_no_inline_script(client: TestClient[Litestar]) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("name", ["documents.py", "..%2Fdocuments.py", "docs.html", "swagger-ui.css.map"])
def test_nothing_else_is_served_as_an_asset(client: TestClient[Litestar], name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
