from typing import Any

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from app.http.watched_edge import WatchedEdge
from app.logs import masked
from app.tracing import Tracing
from domain.model.actors import Actor


class TracedEdge(WatchedEdge):
    """An edge that has a span made for each request, in the trace of whoever asks if they are in one."""

    def __init__(self, *args: Any, tracing: Tracing, **options: Any) -> None:
        super().__init__(*args, **options)
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await super().__call__(scope, receive, send)
            return
        with self._tracing.request(scope["headers"]) as span:
            try:
                await super().__call__(scope, receive, send)
            finally:
                _describe(span, scope)


def _describe(span: Any, scope: Any) -> None:
    """By the names of OpenTelemetry's conventions where it has some. No path: it may hold anything."""
    from opentelemetry.trace import StatusCode

    state, route = scope["state"], scope.get("path_template")
    user, status = scope.get("user"), state.get("answering")
    told = {
        "http.request.method": scope["method"] if route else "_OTHER",
        "http.route": route,
        "http.response.status_code": status,
        "error.type": state.get("refused"),
        "hexkey.request_id": masked(state.get("request_id", "")),
        "hexkey.door": str(scope["route_handler"].opt["door"]) if route else None,
        "hexkey.actor_type": str(user.kind) if isinstance(user, Actor) else None,
    }
    span.update_name(f"{scope['method']} {route}" if route else "none")
    span.set_attributes({name: value for name, value in told.items() if value is not None})
    if status is None or status >= 500:
        span.set_status(StatusCode.ERROR)
