"""Requests made from the OpenAPI document by Schemathesis, right and wrong ones, and all of its checks on the answers.

A ``Role`` calls every operation with a credential that lives on: whoever signs out, revokes their own key or
deactivates themselves is let in again, as somebody new, before the next request.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from litestar.types import Message, Receive, Scope, Send
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

from tests.support.databases import NAMES, Databases, Storage, memory_storage
from tests.support.excuses import EXCUSES, Excuse
from tests.support.ports import ports_over
from tests.support.service import ADDRESS, Service

LONGER = "HEXKEY_TEST_FUZZ" in os.environ
EXAMPLES = int(os.environ.get("HEXKEY_TEST_FUZZ", "2"))
SEED = 5
LIVE = "Bearer live"
"""Where Schemathesis sends this, the role's present credential is sent instead; what it makes up is sent as it is."""

PHASES = ("examples", "coverage", "fuzzing", "stateful")
Headers = Mapping[str, str]
Document = dict[str, Any]
Failure = tuple[str, str]
Enter = Callable[[Service, int], Awaitable[Headers]]


async def admin(service: Service, number: int) -> Headers:
    """With the cookies of a browser, which open every door that people have."""
    browser = await service.browser(await service.admin(f"admin{number}@example.org"))
    return {"cookie": browser.cookie, "x-csrf-token": browser.csrf, "sec-fetch-site": "same-origin"}


async def member(service: Service, _: int) -> Headers:
    return (await service.user()).headers


async def key(service: Service, number: int) -> Headers:
    """One that may do all that a key may."""
    owner = await service.admin(f"admin{number}@example.org")
    permissions = (await owner.get("/v1/whoami")).json()["permissions"]
    return (await owner.key(*permissions)).headers


async def anonymous(_: Service, __: int) -> Headers:
    return {}


ROLES: dict[str, Enter] = {"admin": admin, "member": member, "key": key, "anonymous": anonymous}


Serve = Callable[[Storage], Service]


def plain(storage: Storage) -> Service:
    """Without anybody's extension."""
    return Service(ports_over(storage))


class Gate:
    """A service over a storage of its own, as an ASGI application in which a role keeps its credential."""

    def __init__(self, databases: Databases, storage: str, enter: Enter, serve: Serve = plain) -> None:
        self._databases, self._storage, self._enter, self._serve = databases, storage, enter, serve
        self._open = AsyncExitStack()
        self._headers: Headers | None = None
        self.entered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        sent = (b"authorization", LIVE.encode()) in scope["headers"]
        others = [(name, value) for name, value in scope["headers"] if value != LIVE.encode()]
        own = await self._credential() if sent else {}
        headers = [*others, *((name.encode(), value.encode()) for name, value in own.items())]
        await self._service.play({**scope, "client": (ADDRESS, 50_000), "headers": headers}, receive, send)
        if own and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._forget_if_ended(own)

    async def _credential(self) -> Headers:
        if self._headers is None:
            self.entered += 1
            self._headers = await self._enter(self._service, self.entered)
        return self._headers

    async def _forget_if_ended(self, headers: Headers) -> None:
        if (await self._service.anyone.send("GET", "/v1/whoami", headers)).status_code != 200:
            self._headers = None

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            asked = (await receive())["type"]
            if asked == "lifespan.startup":
                storage = await self._open.enter_async_context(self._databases.storage(self._storage))
                self._service = self._serve(storage)
            else:
                await self._open.aclose()
            await send(_complete(asked))
            if asked == "lifespan.shutdown":
                return


def _complete(asked: str) -> Message:
    done: Any = {"type": f"{asked}.complete"}
    return done  # type: ignore[no-any-return]


@dataclass
class Report:
    """What was answered to each operation, by status; *failures* of checks, one example for each."""

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: dict[Failure, str] = field(default_factory=dict)
    excused: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    entered: int = 0

    def __str__(self) -> str:
        told = (f"{operation}: {check}\n{example}" for (operation, check), example in self.failures.items())
        return "\n\n".join(["", *told, *self.errors])


def fuzz(
    document: Document, gate: Gate, *, known: bool, examples: int, excuses: Iterable[Excuse], seed: int = SEED
) -> Report:
    """All phases and all checks over *document*; *known* callers present a credential."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "base-url": "http://127.0.0.1:8000",
            "headers": {"Authorization": LIVE} if known else {},
            # Credentials are ours to send. NUL is refused in every body, with 400, and has its tests in test_bodies.
            "generation": {
                "max-examples": examples,
                "no-shrink": True,
                "deterministic": True,
                "allow-x00": False,
                "with-security-parameters": False,
            },
            "phases": {phase: {"enabled": True} for phase in PHASES},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = gate
    report = Report()
    try:
        for event in from_schema(schema).execute():
            _read(event, report, tuple(excuses))
    finally:
        shutdown_lifespans()
    report.entered = gate.entered
    return report


def _read(event: events.EngineEvent, report: Report, excuses: tuple[Excuse, ...]) -> None:
    if isinstance(event, events.NonFatalError | events.FatalError):
        report.errors.append(f"{type(event).__name__}: {getattr(event, 'value', None) or vars(event)}")
    if not isinstance(event, events.ScenarioFinished):
        return
    recorder = event.recorder
    for number, interaction in recorder.interactions.items():
        if interaction.response is not None and number in recorder.cases:
            report.statuses[recorder.cases[number].value.operation.label][interaction.response.status_code] += 1
    for number, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                _note(report, excuses, check, recorder.interactions.get(number))


def _note(report: Report, excuses: tuple[Excuse, ...], check: Any, interaction: Any) -> None:
    failure = check.failure_info.failure
    response = None if interaction is None else interaction.response
    try:
        answer = None if response is None else response.json()
    except ValueError:
        answer = None
    found = next((excuse for excuse in excuses if excuse.covers(check.name, failure.operation, answer)), None)
    if found is not None:
        report.excused[found.reason] += 1
        return
    content = b"" if response is None else response.content[:600]
    example = f"{failure.message[:600]}\n{check.failure_info.code_sample[:1200]}\n=> {content!r}"
    report.failures.setdefault((failure.operation, check.name), example)


def openapi(serve: Serve = plain) -> Document:
    document: Document = asyncio.run(serve(memory_storage()).anyone.get("/openapi.json")).json()
    return document


def runs(**usual: str) -> list[tuple[str, str]]:
    """Each role over its usual storage; where we look longer, over every one."""
    return [(role, storage) for role, one in usual.items() for storage in (NAMES if LONGER else (one,))]


def document_is_so(databases: Databases, role: str, storage: str) -> None:
    """Every operation was called by *role*, and every answer is one that the document tells of."""
    document, gate, known = openapi(), Gate(databases, storage, ROLES[role]), role != "anonymous"
    operations = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    report = fuzz(document, gate, known=known, examples=EXAMPLES, excuses=EXCUSES)
    assert not report.failures, str(report)
    assert not report.errors, str(report)
    assert set(report.statuses) == operations, f"not called: {operations - set(report.statuses)}"
    assert [seen for seen in report.statuses.items() if max(seen[1]) >= 500] == []
    assert (report.entered > 0) == known
