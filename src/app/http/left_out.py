"""Built-in routes that an application does without, or has its own in place of."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Controller
from litestar.handlers import HTTPRouteHandler
from litestar.utils import join_paths

from app.http.routes import WrongRoutes

Routes = type[Controller] | HTTPRouteHandler


class LeftOut:
    """*names* are ``POST /v1/auth/register``, or a path with every method; as `hexkey routes` prints them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._met: set[str] = set()

    def kept(self, built_in: Iterable[Routes], *, under: str = "/") -> Iterator[Any]:
        """*built_in* without what is left out; a controller of which nothing is kept goes as a whole."""
        for routes in built_in:
            if isinstance(routes, HTTPRouteHandler):
                if not self._is_out(routes, under):
                    yield routes
            else:
                yield from self._thinned(routes, under)

    def require_met(self) -> None:
        """Raises WrongRoutes naming each name that was no route."""
        if unmet := sorted(self._names - self._met):
            raise WrongRoutes("\n".join(f"{name}: there is no such route to leave out" for name in unmet))

    def _thinned(self, controller: type[Controller], under: str) -> Iterator[type[Controller]]:
        members = ((name, getattr(controller, name)) for name in dir(controller))
        handlers = {name: member for name, member in members if isinstance(member, HTTPRouteHandler)}
        said = getattr(controller, "path", None)  # a slot, where it says none
        path = join_paths([under, said if isinstance(said, str) else ""])
        out = [name for name, handler in handlers.items() if self._is_out(handler, path)]
        if not out:
            yield controller
        elif len(out) < len(handlers):
            yield type(controller.__name__, (controller,), dict.fromkeys(out))

    def _is_out(self, handler: HTTPRouteHandler, under: str) -> bool:
        paths = [re.sub(r"\{(\w+):\w+\}", r"{\1}", join_paths([under, path])) for path in handler.paths]
        names = {*paths, *(f"{method} {path}" for method in handler.http_methods for path in paths)}
        met = names & self._names
        self._met |= met
        return bool(met)
