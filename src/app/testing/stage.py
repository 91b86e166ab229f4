"""One application for all tests with the same settings, ports and handlers.

What it is built over finds everything in what the present test has brought: whoever plays has the stage alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import partial
from typing import Any, Protocol

from app.composition import Ports, Services
from app.http.application import SERVICES, Exposure, create_app
from app.settings import Settings

Handlers = Callable[[Ports], Iterable[Any]]
PLAIN = {"rules", "storage", "branches", "webhook_handlers", "jobs", "start", "checks", "optional_checks", "close"}
"""Of the ports what is a value, or is asked of the services."""


class Connect(Protocol):
    """`composition.connect`, or an extension's own in its place."""

    def __call__(self, settings: Settings, /, *, clock: Any) -> Ports: ...


class Stage:
    def __init__(self, settings: Settings, handlers: Handlers, ports: Ports, services: Services) -> None:
        self._ports, self._services = ports, services
        names = [port.name for port in fields(Ports) if port.name not in PLAIN]
        standing = replace(ports, **{name: _stand_in(object, partial(self._port, name)) for name in names})
        self.app = create_app(self._standing(services), Exposure.of(settings), handlers=handlers(standing))

    def play(self, ports: Ports, services: Services) -> None:
        self._ports, self._services = ports, services

    def _standing(self, services: Services) -> Services:
        names = (*SERVICES, "cursors")
        roles = {name: _stand_in(type(getattr(services, name)), partial(self._service, name)) for name in names}
        checks: dict[str, Any] = {
            kind: {name: partial(self._check, kind, name) for name in getattr(services, kind)}
            for kind in ("checks", "optional_checks")
        }
        return replace(services, new_request_id=self._new_request_id, **roles, **checks)

    def _new_request_id(self) -> str:
        return self._services.new_request_id()

    def _port(self, name: str) -> Any:
        return getattr(self._ports, name)

    def _service(self, name: str) -> Any:
        return getattr(self._services, name)

    async def _check(self, kind: str, name: str) -> None:
        await getattr(self._services, kind)[name]()


def _stand_in(kind: type, present: Callable[[], Any]) -> Any:
    """A *kind* without members of its own: it finds each in whatever is *present* when it is asked."""
    found = {"__getattr__": lambda _, member: getattr(present(), member), "__call__": lambda _: present()()}
    return object.__new__(type(kind.__name__, (kind,), found))


class Stages:
    """The last few that were asked for."""

    def __init__(self, kept: int = 4) -> None:
        self._kept = kept
        self._stages: list[tuple[tuple[Settings, Connect, Handlers], Stage]] = []

    def stage(
        self, settings: Settings, connect: Connect, handlers: Handlers, ports: Ports, services: Services
    ) -> Stage:
        """The one for such tests, on which *ports* and *services* play."""
        asked = (settings, connect, handlers)
        found = next((stage for made, stage in self._stages if made == asked), None)
        if found is None:
            found = Stage(settings, handlers, ports, services)
            self._stages = [(asked, found), *self._stages[: self._kept - 1]]
        found.play(ports, services)
        return found
