"""A line for each request, or for each that was refused: who asked for what, at which door, and what came of it.

No path, no query and no header is in it, only the names of routes in the code. The request id, which callers may
choose, is masked as every text in a log.
"""

import logging
from typing import Any, Literal

from litestar.types import Scope

from domain.errors import QuotaExceeded
from domain.model.actors import Actor

log = logging.getLogger("hexkey.requests")


class RequestLog:
    """Of *every* answer or of those that refused. Then no line is written for what met no route, or was refused by a
    limit: whoever may ask without end must not fill a disk. Metrics count both.
    """

    def __init__(self, which: Literal["refused", "all"]) -> None:
        self._every = which == "all"

    def note(self, scope: Scope, seconds: float) -> None:
        state = scope["state"]
        status, code = state.get("answering"), state.get("refused")
        if self._every or (code is not None and code != QuotaExceeded.code and "path_template" in scope):
            log.info("answered", extra=_told(scope, status, code, seconds))

    def note_broken(self, status: int, code: str) -> None:
        if self._every:
            log.info("answered", extra={"outcome": "refused", "status": status, "reason": code})


def _told(scope: Any, status: int | None, code: str | None, seconds: float) -> dict[str, Any]:
    state, handler = scope["state"], scope.get("route_handler")
    told = {
        "request_id": state.get("request_id"),
        "source_ip": state.get("address"),
        "method": scope.get("method"),
        "route": scope.get("path_template"),
        "door": handler.opt.get("door") if handler else None,
        "status": status,
        "outcome": _outcome(status),
        "reason": code,
        "duration_ms": round(seconds * 1000, 2),
        **_who(scope.get("user")),
    }
    return {name: value for name, value in told.items() if value is not None}


def _outcome(status: int | None) -> str:
    if status is None:
        return "unanswered"
    return "done" if status < 400 else "refused" if status < 500 else "failed"


def _who(user: object) -> dict[str, Any]:
    if not isinstance(user, Actor):
        return {}
    return {"actor_type": user.kind, "actor_id": user.key_id or user.user_id}
