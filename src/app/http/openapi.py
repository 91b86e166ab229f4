"""The OpenAPI 3.1 document: the framework's, with what it does not know about this service.

What a handler may say in its ``opt``: ``door`` (required), ``parameters`` (OpenAPI parameter objects: all that its
query may hold), ``limited``, ``revoking``, ``repeatable``, and ``answers``: errors beside those that follow from the
rest. msgspec describes request bodies: it keeps every bound.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from litestar import Litestar
from litestar._openapi.plugin import OpenAPIPlugin  # the builder without the router; Litestar offers no other way to it
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute

from app.http.bodies import Patch, is_form
from app.http.problems import PROBLEM_JSON, OAuthError, Problem

Document = dict[str, Any]
REF = "#/components/schemas/{name}"

ALWAYS = (400, 422, 500, 503)
LIMITED = (429,)
BEHIND_A_DOOR = (401, 403)
WITH_A_BODY = (408, 413, 415)
MAKING = (409,)
OF_ONE = (404,)
CHANGING = (409, 412)
"""Which errors an operation may answer follows from its door, its path, its method and its body.

The edge's own (414, 431, and a 413 or 415 for a body where none is taken) belong to no operation: it answers them
whatever the route, and a client that keeps to this document never sees them.
"""

PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait` answers once no worker decides by what was there before.",
    "schema": {"type": "string", "examples": ["wait"]},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Done once under this key, which is yours to choose; who asks again is told the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
REPLAYED = {
    "description": "This is the first answer, told again.",
    "schema": {"type": "string", "enum": ["true"]},
}
SIGNATURES = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
    for name in (
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "X-GitHub-Delivery",
        "X-GitHub-Event",
        "X-Hub-Signature-256",
    )
]
"""The first three of Standard Webhooks, the others of GitHub."""
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ANY_CREDENTIAL = {"bearer": ("user", "key", "operator"), "api_key": ("key",), "session": ("session", "user")}


class Builder(OpenAPIPlugin):
    """The framework's builder, fed with the routes of a finished application."""

    def __init__(self, app: Litestar, config: OpenAPIConfig) -> None:
        super().__init__(app)
        self._openapi_config = config
        for route in app.routes:
            self.receive_route(route)


def describe(app: Litestar, *, version: str, secure_cookies: bool) -> Document:
    """The document of *app*; the session cookie's name depends on *secure_cookies*."""
    config = OpenAPIConfig(title="Hexkey", version=version, operation_id_creator=operation_id)
    document: Document = Builder(app, config).provide_openapi_schema()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    operations = list(operations_of(app, document))
    bodies = [body for handler, _, _, _ in operations if (body := body_of(handler)) is not None]
    references, components = msgspec.json.schema_components([Problem, OAuthError, *bodies], ref_template=REF)
    schemas.update(components)
    for body in bodies:
        if issubclass(body, Patch):
            schemas[body.__name__]["minProperties"] = 1
    by_type = dict(zip([Problem, OAuthError, *bodies], references, strict=True))
    for handler, method, path, operation in operations:
        complete(operation, handler, method, path, by_type)
    used = {name for _, _, _, operation in operations for entry in operation["security"] for name in entry}
    document["components"]["securitySchemes"] = {
        name: scheme for name, scheme in schemes(secure_cookies=secure_cookies).items() if name in used
    }
    document["components"]["responses"] = {HTTPStatus(s).name: problem_response(s) for s in every_status()}
    return document


def operations_of(app: Litestar, document: Document) -> Iterator[tuple[HTTPRouteHandler, str, str, Document]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            item = document["paths"].get(route.path_format or "/", {})
            for method, (handler, _) in route.route_handler_map.items():
                if method.lower() in item:
                    yield handler, method, route.path_format, item[method.lower()]


def operation_id(handler: HTTPRouteHandler, method: Any, path: list[str | Any]) -> str:
    """The method and the path in words: unique, and stable while the path is."""
    words = (part if isinstance(part, str) else part.name for part in path)
    return re.sub(r"[^A-Za-z0-9]+", "_", "_".join([str(getattr(method, "value", method)).lower(), *words])).strip("_")


def body_of(handler: HTTPRouteHandler) -> Any:
    """The type of the body; of one that may be absent, the type that it has when present."""
    field = handler.parsed_data_field
    if field is None:
        return None
    present = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return present[0] if len(present) == 1 and field.is_optional else field.annotation


def complete(operation: Document, handler: HTTPRouteHandler, method: str, path: str, by_type: dict[Any, Any]) -> None:
    door, body = str(handler.opt.get("door", "")), body_of(handler)
    operation["summary"], operation["description"] = told(handler)
    operation["security"] = security(door, unsafe=method in UNSAFE)
    if handler.opt.get("parameters"):
        operation.setdefault("parameters", []).extend(handler.opt["parameters"])
    if handler.opt.get("revoking"):
        operation.setdefault("parameters", []).append(PREFER)
    if handler.opt.get("repeatable"):
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        told_again = operation["responses"][str(handler.status_code)]
        told_again.setdefault("headers", {})["Idempotency-Replayed"] = REPLAYED
    if door == "signed":
        operation.setdefault("parameters", []).extend(SIGNATURES)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    if body is not None:
        operation["requestBody"] = request_body(handler, body, by_type[body])
    responses = operation.setdefault("responses", {})
    responses.pop("400", None)
    responses.get("204", {}).pop("content", None)
    for status in statuses(handler, method, path):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{HTTPStatus(status).name}"})
    if is_form(body) and handler.exception_handlers:
        responses["400"] = problem_response(400, {"application/json": {"schema": by_type[OAuthError]}})


def told(handler: HTTPRouteHandler) -> tuple[str, str]:
    """The first sentence of the handler's docstring, and all of it."""
    text = " ".join((handler.fn.__doc__ or "").split())
    return re.split(r"(?<=[a-z0-9)])[.?;:] |[.?]$", text, maxsplit=1)[0], text


def request_body(handler: HTTPRouteHandler, body: Any, schema: Document) -> Document:
    field = handler.parsed_data_field
    content: Document = {"schema": schema}
    media_type = "application/x-www-form-urlencoded" if is_form(body) else "application/json"
    return {"required": field is not None and field.is_required, "content": {media_type: content}}


def statuses(handler: HTTPRouteHandler, method: str, path: str) -> list[int]:
    door, one = handler.opt.get("door", "public"), "{" in path
    rules = (
        (ALWAYS, True),
        (LIMITED, handler.opt.get("limited", True)),
        (BEHIND_A_DOOR, door != "public"),
        (WITH_A_BODY, body_of(handler) is not None or door == "signed"),
        (MAKING, handler.status_code == HTTPStatus.CREATED),
        (OF_ONE, one),
        (CHANGING, door not in ("public", "signed") and method in UNSAFE),
        (handler.opt.get("answers", ()), True),
    )
    return sorted({status for possible, applies in rules if applies for status in possible})


def every_status() -> list[int]:
    return sorted({*ALWAYS, *LIMITED, *BEHIND_A_DOOR, *WITH_A_BODY, *MAKING, *OF_ONE, *CHANGING})


def problem_response(status: int, others: Document | None = None) -> Document:
    problem = {PROBLEM_JSON: {"schema": {"$ref": REF.format(name="Problem")}}}
    response: Document = {"description": HTTPStatus(status).phrase, "content": {**problem, **(others or {})}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 0}, "required": True}}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    return response


def security(door: str, *, unsafe: bool) -> list[dict[str, list[str]]]:
    """One entry for each credential that opens *door*; none for a public one. A cookie alone changes nothing."""
    words = set(re.split(r"[^a-z]+", door))
    entries: list[dict[str, list[str]]] = [{kind: []} for kind, doors in ANY_CREDENTIAL.items() if words & set(doors)]
    return [entry | {"csrf": []} if unsafe and "session" in entry else entry for entry in entries]


def schemes(*, secure_cookies: bool) -> Document:
    cookie = "__Host-hexkey_session" if secure_cookies else "hexkey_session"
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "As its cookie has it."},
    }
