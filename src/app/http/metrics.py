"""What is counted of every request, and where it is told.

Where nobody asks for metrics nothing is counted.
"""

import asyncio
import re
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope
from prometheus_client import CONTENT_TYPE_LATEST

from app.composition import Action, Services
from app.http.doors import operator
from app.metrics import Metrics
from app.readings import Numbers, Question, Reading, Samples
from app.settings import Secret
from app.shared_figures import Family, put

BOUNDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CHECK_SECONDS = 0.8
NOWHERE = "none"
"""The route and the door of whatever met no route: callers make up no labels."""

_TYPE = re.compile(r":[a-z]+(?=\})")

Kind = tuple[str | None, str, int]
"""A route's path, its method and a status."""


class Requests:
    """How many came, by route and outcome, and how long they took."""

    def __init__(self) -> None:
        self._seconds: dict[Kind, Numbers] = {}
        self._places: dict[Kind, tuple[str, str]] = {}
        """Route and door, as they are shown."""
        self._refusals: Counter[str] = Counter()

    def note(self, scope: Scope, seconds: float) -> None:
        """When all is done that there was to do; what no answer came to is not counted."""
        state = scope["state"]
        if (status := state.get("answering")) is None:
            return
        path: Any = scope.get("path_template")
        kind = (path, scope["method"] if path else "", status)  # type: ignore[typeddict-item]  # only http is answered
        numbers = self._seconds.get(kind) or self._began(kind, scope)
        numbers[bisect_left(BOUNDS, seconds)] += 1
        numbers[-1] += seconds
        if "refused" in state:
            self._refusals[state["refused"]] += 1

    def note_broken(self, status: int, code: str) -> None:
        """What was no request, and took no time."""
        self._began((None, "", status), {})[0] += 1
        self._refusals[code] += 1

    def readings(self) -> tuple[Reading, ...]:
        return (
            Reading(
                name="hexkey_http_request_seconds",
                help="How long requests took, by route.",
                kind="histogram",
                labels=("method", "route"),
                bounds=BOUNDS,
                read=self._by_route,
            ),
            Reading(
                name="hexkey_http_answers",
                help="Answers, by door and status.",
                kind="counter",
                labels=("door", "status"),
                read=self._by_door,
            ),
            Reading(
                name="hexkey_http_refusals",
                help="Answers that were a problem, by its code.",
                kind="counter",
                labels=("code",),
                read=lambda: {(code,): [float(count)] for code, count in self._refusals.items()},
            ),
        )

    def _began(self, kind: Kind, scope: Any) -> Numbers:
        path = kind[0]
        shown, door = (NOWHERE, NOWHERE) if path is None else (_TYPE.sub("", path), scope["route_handler"].opt["door"])
        self._places[kind] = shown, str(door)
        return self._seconds.setdefault(kind, [0.0] * (len(BOUNDS) + 2))

    def _by_route(self) -> Samples:
        found: Family = {}
        for kind, numbers in self._seconds.items():
            put(found, (kind[1], self._places[kind][0]), numbers)
        return found

    def _by_door(self) -> Samples:
        found: Family = {}
        for kind, (*buckets, _) in self._seconds.items():
            put(found, (self._places[kind][1], str(kind[2])), [sum(buckets)])
        return found


class Metering:
    """All that an application needs to count and to tell whoever presents *token*."""

    def __init__(self, services: Services, token: Secret, *, folder: Path | None = None) -> None:
        self.requests = Requests()
        readings = (*services.readings, *self.requests.readings())
        self.metrics = Metrics(readings, questions(services), folder=folder)
        self.route = metrics_route(self.metrics, token)


def metrics_route(metrics: Metrics, token: Secret) -> HTTPRouteHandler:
    @get("/metrics", opt=operator(token), include_in_schema=False)
    async def told() -> Response[bytes]:
        """Tell Prometheus how all workers together are doing."""
        return Response(await metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    return told


def questions(services: Services) -> tuple[Question, ...]:
    async def mails() -> Samples:
        return {(): [float(await services.mails.waiting())]}

    async def checks() -> Samples:
        asked = {**services.checks, **services.optional_checks}
        found = await asyncio.gather(*map(_is_well, asked.values()))
        return {(name,): [float(well)] for name, well in zip(asked, found, strict=True)}

    return (
        Question(name="hexkey_mails_waiting", help="Mails that are still to be sent.", ask=mails),
        Question(name="hexkey_check", help="1 for what is well, as readiness has it.", labels=("name",), ask=checks),
    )


async def _is_well(check: Action) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception:
        return False
    return True
