"""What leaves the building: our own answers, stable codes, routes with doors."""

import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.http import errors as edge
from app.http.doors import Door
from app.http.openapi import describe
from domain import errors
from tests.support.ports import memory_ports
from tests.support.service import Service

HIDDEN = {"/openapi.json", "/docs", "/docs/{name}"}
"""Paths that the document does not list: itself, and the page that shows it."""
APP: Litestar = Service(memory_ports()).app


def handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, route.path_format, handler


HANDLERS = sorted(handlers(APP), key=lambda row: row[:2])


def types_in(annotation: Any) -> set[type]:
    """Every class in *annotation*: behind generics, unions and the fields of Structs."""
    found: set[type] = set()
    waiting = [annotation]
    while waiting:
        kind = waiting.pop()
        if kind is None or (isinstance(kind, type) and kind in found):
            continue
        waiting += [*getattr(kind, "__args__", ()), getattr(kind, "__origin__", None)]
        if isinstance(kind, type):
            found.add(kind)
            if issubclass(kind, msgspec.Struct):
                waiting += get_type_hints(kind).values()
    return found


def subclasses(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


REFUSALS = sorted({*subclasses(errors.DomainError), *subclasses(edge.Refusal)}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize(("method", "path", "handler"), HANDLERS)
def test_no_handler_returns_or_takes_a_domain_type(method: str, path: str, handler: HTTPRouteHandler) -> None:
    answered = types_in(handler.parsed_return_field.annotation)
    taken = types_in(handler.parsed_data_field.annotation) if handler.parsed_data_field else set()
    ours = [kind for kind in answered | taken if kind.__module__.split(".")[0] in {"domain", "adapters"}]
    assert ours == [], f"{method} {path}"


def test_a_domain_type_is_found_however_deep_it_hides() -> None:
    from domain.model.projects import Project

    class Inner(msgspec.Struct):
        project: Project | None

    class Outer(msgspec.Struct):
        inner: dict[str, tuple[Inner, ...]]

    assert Project in types_in(list[Outer])
    assert Project in types_in(dict[str, Project] | None)
    assert Project not in types_in(dict[str, int] | None)


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_has_a_status_and_a_code(kind: Any) -> None:
    assert 400 <= edge.status_of(kind) < 500 or edge.status_of(kind) == 503
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)


def test_a_code_means_one_thing() -> None:
    leaves = [kind for kind in REFUSALS if not kind.__subclasses__() and not issubclass(kind, errors.NotFound)]
    codes = [kind.code for kind in leaves if kind is not edge.NotReady]
    assert sorted(codes) == sorted(set(codes))
    assert {kind.code for kind in subclasses(errors.NotFound)} == {"not_found"}
    assert edge.NotReady.code == errors.Unavailable.code


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    for module, root in ((errors, errors.DomainError), (edge, edge.Refusal)):
        drawn = set(re.findall(r"[├└]── (\w+)", module.__doc__ or ""))
        grown = {kind.__name__ for kind in subclasses(root) if kind.__module__.startswith(module.__name__)}
        assert drawn == grown


@pytest.mark.parametrize(("method", "path", "handler"), HANDLERS)
def test_every_route_has_a_door(method: str, path: str, handler: HTTPRouteHandler) -> None:
    assert isinstance(handler.opt["door"], Door), f"{method} {path}"


def test_the_document_lists_every_route_and_no_other() -> None:
    document = describe(APP, version="0", secure_cookies=False)
    listed = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {(method, path) for method, path, _ in HANDLERS if path not in HIDDEN}
    assert listed == served
    assert {path for _, path, _ in HANDLERS} >= HIDDEN


def test_no_answer_of_ours_has_a_member_for_a_digest_or_a_hash() -> None:
    answered = set().union(*(types_in(handler.parsed_return_field.annotation) for _, _, handler in HANDLERS))
    members = {name for kind in answered if issubclass(kind, msgspec.Struct) for name in kind.__struct_fields__}
    assert not [name for name in members if re.search("digest|hash|pepper|seal", name)]
