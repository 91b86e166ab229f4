"""An edge under the eyes of watchers: those that count, and those that write down.

*Why here.* The edge sees every answer, and when it is done the routing has left in the scope which route it was, and
the door who called. Where nobody watches the edge is the plain one.
"""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Protocol

from litestar.types import Receive, Scope, Send

from app.http.edge import Edge, Field
from app.http.problems import code_of


class Watcher(Protocol):
    def note(self, scope: Scope, seconds: float) -> None:
        """All is done that there was to do; ``scope["state"]`` says what was answered, if anything was."""

    def note_broken(self, status: int, code: str) -> None:
        """It was no request, and took no time."""


class WatchedEdge(Edge):
    def __init__(self, *args: Any, watchers: Iterable[Watcher], **options: Any) -> None:
        super().__init__(*args, **options)
        self._watchers = tuple(watchers)
        self._note = _all([watcher.note for watcher in self._watchers])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._note(scope, perf_counter() - began)

    def refuse(self, error: Exception) -> tuple[int, list[Field], bytes]:
        refusal = super().refuse(error)
        for watcher in self._watchers:
            watcher.note_broken(refusal[0], code_of(error))
        return refusal


def _all(notes: list[Callable[[Scope, float], None]]) -> Callable[[Scope, float], None]:
    """The only one itself: a request is not to pay for what there is not."""

    def note(scope: Scope, seconds: float) -> None:
        for each in notes:
            each(scope, seconds)

    return notes[0] if len(notes) == 1 else note
