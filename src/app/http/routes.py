"""Groups of routes, and what must be right about every route before the service starts.

    routes("/partner", door=key("read"), limit="1000/minute", handlers=[orders, PartnerController])

Every route of a group has its door and its limit, unless it names its own; groups nest, and the inner one decides. It
is a Litestar ``Router``, and all that a group says stands in its ``opt``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler
from msgspec import UNSET, UnsetType

from app.http.doors import Door
from domain.errors import Invalid
from domain.model.limits import Policy, policy
from domain.model.scopes import Catalogue
from domain.services.access import AccessService

_COUNTER = re.compile(r"[ !#-\[\]-~]{1,256}")


@dataclass(frozen=True, slots=True)
class Limit:
    """What a group or a route was told; *text* is None where it has no limit of its own."""

    text: str | None
    counter: str | None


class WrongRoutes(RuntimeError):
    """What is wrong with which routes, a line for each; the service does not start with them."""


class Row(NamedTuple):
    """A route as people are shown it."""

    method: str
    path: str
    door: str
    permissions: tuple[str, ...]
    limit: str


def routes(
    path: str,
    *,
    handlers: Iterable[ControllerRouterHandler],
    door: dict[str, Any] | None = None,
    limit: str | UnsetType | None = UNSET,
    counter: str | None = None,
    tags: Iterable[str] | None = None,
    services: Mapping[str, object] | None = None,
) -> Router:
    """Routes under *path*, behind *door* where they name none of their own.

    A caller has *limit*, such as ``1000/minute``, for all of them together, besides what else limits them; ``None`` and
    ``off`` take that of an outer group away. Groups that name one *counter* count together. Their handlers may ask for
    *services* by name.
    """
    opt = {**(door or {}), **({} if limit is UNSET else limited(limit, counter=counter))}
    asked = {name: singleton(service) for name, service in (services or {}).items()}
    tagged = None if tags is None else list(tags)
    return Router(path, route_handlers=list(handlers), opt=opt, tags=tagged, dependencies=asked)


def singleton(service: object) -> Provide:
    """*service*, the same for whoever asks."""
    return Provide(lambda: service, use_cache=True, sync_to_thread=False)


def limited(limit: str | None, *, counter: str | None = None) -> dict[str, Any]:
    """Beside the door of one route: a limit of its own in place of its group's."""
    return {"limit": Limit(None if limit == "off" else limit, counter)}


def settle(app: Litestar, catalogue: Catalogue) -> None:
    """Make of what is said of each route what its door decides by, once.

    Raises WrongRoutes naming every route without a door, with a scope or permission that does not exist, or with a
    limit that is none, is contradicted, or is another than that of its counter elsewhere.
    """
    counters: dict[str, Policy] = {}
    wrong = [
        f"{method} {path}: {problem}"
        for method, path, handler in handlers_of(app)
        for problem in _settled(handler, f"{method} {path}", catalogue, counters)
    ]
    wrong += [f"{route.path}: is not HTTP" for route in app.routes if not isinstance(route, HTTPRoute)]
    wrong += _same_shape(app)
    if wrong:
        raise WrongRoutes("\n".join(wrong))


def handlers_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Method, path and handler of every route; of ``OPTIONS`` none."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield method, route.path_format, handler


def table(app: Litestar) -> list[Row]:
    """Every route of a settled *app*, by path."""
    access: AccessService = app.state["access"]
    rows = [
        Row(method, path, handler.opt["door"], _permissions(handler.opt), _limit(handler.opt, access))
        for method, path, handler in handlers_of(app)
    ]
    return sorted(rows, key=lambda row: (row.path, row.method))


def _limit(opt: dict[str, Any], access: AccessService) -> str:
    """What the route says, or else what holds for whoever comes in without limits of their own."""
    if "shared" in opt:
        return str(opt["shared"][0])
    own = access.anonymous_limit if opt["door"] in (Door.PUBLIC, Door.SIGNED) else access.default_limit
    return str(own) if own and opt["limited"] else "none"


def _permissions(opt: dict[str, Any]) -> tuple[str, ...]:
    alternatives = opt.get("any_of")
    return (*opt["permissions"], *(("|".join(alternatives),) if alternatives else ()))


def _settled(handler: HTTPRouteHandler, route: str, catalogue: Catalogue, counters: dict[str, Policy]) -> Iterator[str]:
    opt = handler.opt
    if not isinstance(opt.get("door"), Door):
        yield "no door"
        return
    if opt["door"] is Door.SIGNED and opt["source"] is None and "{source}" not in route:
        yield "names no source whose signature counts, and neither does its path"
    for scope in (*opt["permissions"], *opt.get("any_of", ())):
        if not catalogue.has(scope):
            yield f"{scope} is no scope and no permission"
    opt["permissions"] = _expanded(opt["permissions"], catalogue)
    opt["any_of"] = _expanded(opt.get("any_of", ()), catalogue)
    said: Limit | None = opt.get("limit")
    if said is None or said.text is None:
        return
    try:
        asked = policy(said.text)._replace(counter=said.counter or _place(handler, said, route))
    except Invalid:
        yield f"{said.text!r} is no limit such as 1000/minute (second, minute, hour, day)"
        return
    if not opt["limited"]:
        yield "is not counted and has a limit"
    if _COUNTER.fullmatch(asked.counter) is None:
        yield f"{asked.counter!r} is no name for a counter: it goes into a header"
    if (known := counters.setdefault(asked.counter, asked)) != asked:
        yield f"{asked.counter} counts to {asked} here, and to {known} elsewhere"
    opt["shared"] = (asked,)


def _expanded(scopes: Iterable[str], catalogue: Catalogue) -> tuple[str, ...]:
    """A permission is itself; a scope is what it holds."""
    meanings = ([scope] if scope in catalogue.permissions else catalogue.permissions_of([scope]) for scope in scopes)
    return tuple(dict.fromkeys(permission for meaning in meanings for permission in sorted(meaning)))


def _place(handler: HTTPRouteHandler, said: Limit, route: str) -> str:
    """The path of the group that said it, or the *route* that did so itself."""
    outer: list[Any] = handler.ownership_layers[:-1]
    while outer and (outer[-1].opt or {}).get("limit") is not said:
        outer.pop()
    if not outer:
        return route
    segments = (str(getattr(layer, "path", "")).strip("/") for layer in outer)
    return "/" + "/".join(segment for segment in segments if segment)


def _same_shape(app: Litestar) -> Iterator[str]:
    """Paths that differ in the names of their parameters alone; the router would answer one of them by chance."""
    shapes: dict[tuple[str, str], str] = {}
    for method, path, _ in handlers_of(app):
        shape = method, re.sub(r"\{[^/}]*\}", "{}", path)
        if (other := shapes.setdefault(shape, path)) != path:
            yield f"{method} {path}: is {method} {other} under another name"
