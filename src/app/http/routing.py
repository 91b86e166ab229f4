"""From the edge to a handler: found once for each path, past its door, and refused in its own words.

*Why not the framework's own outermost layer.* The routes are its own, and so is what stands behind the door. But it
normalises the path, asks every layer for its exception handlers and wraps ``send`` for every request, which took one
instruction in thirteen; here the first two are remembered, and the edge knows whether an answer has begun.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from litestar._asgi import ASGIRouter
from litestar.middleware._internal.exceptions import ExceptionHandlerMiddleware
from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send
from litestar.utils import normalize_path
from litestar.utils.scope.state import ScopeState

from app.http.endpoints import Endpoint, endpoint

Door = Callable[[ASGIApp], ASGIApp]
Found = tuple[ASGIApp, Any, str, dict[str, Any], str]


class Routing:
    """Raises what the *router* raises for a path or a method that nobody serves, and what a *door* does."""

    def __init__(self, router: ASGIRouter, door: Door) -> None:
        self._router = router
        self._door = door
        self._found = lru_cache(1024)(self._find)
        self._entrance = lru_cache(None)(self._build)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._found(scope["path"], scope["method"])  # type: ignore[typeddict-item]  # the edge takes only http
        entrance, scope["route_handler"], scope["path"], scope["path_params"], scope["path_template"] = found
        await entrance(scope, receive, send)

    def _find(self, path: str, method: Any) -> Found:
        app, handler, *place = self._router.handle_routing(path=normalize_path(path), method=method)
        return self._entrance(app, handler), handler, *place  # type: ignore[return-value]

    def _build(self, app: ASGIApp, handler: Any) -> ASGIApp:
        return self._door(Refusals(endpoint(app, handler), handler.resolve_exception_handlers()))


class Refusals(ExceptionHandlerMiddleware):
    """What a handler raises, answered by the exception *handlers* of its own layers."""

    def __init__(self, app: ASGIApp, handlers: ExceptionHandlersMap) -> None:
        super().__init__(app, debug=None)
        self.exception_handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(self.app, Endpoint):  # what stands round a handler may ask for them too
            ScopeState.from_scope(scope).exception_handlers = self.exception_handlers or {}
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if scope["state"].get("answering"):
                raise
            await self.handle_request_exception(scope["litestar_app"], scope, receive, send, error)
