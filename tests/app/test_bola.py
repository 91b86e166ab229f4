"""Nobody reads or changes what is somebody else's: every operation of the OpenAPI document, as everybody.

Where nothing else is declared here the strictest holds. A stranger, and a key of theirs, is told 404, or 403 for want
of a permission, of anything that is named; nobody without a credential comes in at all; no answer holds a word, an
address or an id of the victim's; and afterwards the victim finds everything as it was.
"""

import asyncio
from typing import Any

import pytest

from tests.support.bola import MAY, Attempt, Operation, World, attempts, body_of, operations, strangers, world
from tests.support.databases import Databases
from tests.support.ports import memory_ports, ports_over
from tests.support.service import Caller, Service, presenting

FORBIDDEN = {"permission_denied", "credential_kind_not_allowed"}
PROVES_ITSELF: dict[str, str] = {}
"""Operations that answer a stranger about what is named in them, each with the reason: none so far."""

READS = "GET"
PROJECT = "/v1/projects/{project_id}"
TASKS = ("/tasks", "/tasks/{task_id}")
MEMBER = f"{PROJECT}/members/{{user_id}}"
JOINING = f"PUT {MEMBER}"
"""Who works on a project is said by this operation; without it there are no members."""


def document() -> Any:
    return asyncio.run(Service(memory_ports()).anyone.get("/openapi.json")).json()


DOCUMENT = document()
EVERY = operations(DOCUMENT)
GET_PROJECT = next(operation for operation in EVERY if str(operation) == f"GET {PROJECT}")
ON_ROWS = [operation for operation in EVERY if operation.is_on_a_row]


def refused(attempt: Attempt) -> bool:
    code = attempt.answer.json().get("code") if attempt.status >= 400 else None
    return attempt.status == 404 or (attempt.status == 403 and code in FORBIDDEN)


def must_be_refused(operation: Operation, attempt: Attempt) -> None:
    assert refused(attempt), (
        f"{operation}: {attempt}\nA stranger must be told 404, or 403 for want of a permission; if this operation is "
        f"meant to answer, declare it in PROVES_ITSELF with the reason."
    )


def must_be_harmless(operation: Operation, attempt: Attempt) -> None:
    assert attempt.status < 500, f"{operation}: {attempt}"
    assert not attempt.leaked, f"{operation}: {attempt}\nThis tells of the victim: {set(attempt.leaked)}"


async def must_be_unchanged(there: World, before: Any, operation: Operation, by: str) -> None:
    after = await there.seen()
    changed = [place for place, said in before.items() if after[place] != said]
    assert not changed, f"{operation}: {by} changed what the victim sees at {changed}"


async def strangers_get_nothing(service: Service, operation: Operation) -> None:
    there = await world(service, DOCUMENT)
    before = await there.seen()
    for by, caller in (await strangers(there)).items():
        for attempt in await attempts(there, operation, by, caller):
            must_be_harmless(operation, attempt)
            if by == "anonymous" and not operation.public:
                assert attempt.status == 401, f"{operation}: {attempt}"
            elif operation.parameters and str(operation) not in PROVES_ITSELF and not operation.public:
                must_be_refused(operation, attempt)
        await must_be_unchanged(there, before, operation, by)


@pytest.mark.parametrize("operation", EVERY, ids=str)
async def test_a_stranger_their_key_and_nobody_get_nothing(operation: Operation) -> None:
    await strangers_get_nothing(Service(memory_ports()), operation)


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
async def test_it_is_so_on_every_storage(databases: Databases, storage: str) -> None:
    for operation in ON_ROWS:
        async with databases.storage(storage) as opened:
            await strangers_get_nothing(Service(ports_over(opened)), operation)


def members_may(by: str, operation: Operation) -> bool:
    """A viewer reads a project, an editor writes it and its tasks; who is in it, its rest and its end are its owners'.

    Whoever is in it may leave.
    """
    if not operation.is_shared or JOINING not in map(str, EVERY):
        return False
    of_tasks = operation.path.removeprefix(PROJECT) in TASKS
    writes = of_tasks or str(operation) in {f"PUT {PROJECT}", f"PATCH {PROJECT}"}
    return operation.method == READS or (by == "editor" and writes) or (by == "viewer" and leaves(operation))


def leaves(operation: Operation) -> bool:
    return str(operation) == f"DELETE {MEMBER}"


@pytest.mark.parametrize("by", ["viewer", "editor"])
@pytest.mark.parametrize("operation", ON_ROWS, ids=str)
async def test_a_member_does_what_their_role_lets_them_and_is_else_a_stranger(operation: Operation, by: str) -> None:
    there = await world(Service(memory_ports()), DOCUMENT)
    before, may = await there.seen(), members_may(by, operation)
    for attempt in await attempts(there, operation, by, {"viewer": there.viewer, "editor": there.editor}[by]):
        must_be_harmless(operation, attempt)
        if may:
            assert attempt.status < 400 or attempt.status == 409, f"{operation}: {attempt}"
        else:
            assert attempt.status in (403, 404), f"{operation}: {attempt}\nWhat a {by} may is said in members_may."
    if not may or operation.method == READS:
        await must_be_unchanged(there, before, operation, by)


def is_personal(operation: Operation) -> bool:
    """Nobody but the person themselves, and no key of theirs."""
    return not {"session_id", "identity_id"}.isdisjoint(operation.parameters)


@pytest.mark.parametrize("operation", ON_ROWS, ids=str)
async def test_whose_it_is_gets_in_with_a_token_and_with_a_key(operation: Operation) -> None:
    """Else all of this would hold for a service that refuses everybody."""
    for by in ("owner", "own key", "admin"):
        there = await world(Service(memory_ports()), DOCUMENT)
        caller = {"owner": there.victim, "own key": there.own_key, "admin": there.admin}[by]
        for attempt in await attempts(there, operation, by, caller):
            assert attempt.status < 500, f"{operation}: {attempt}"
            if by == "owner" or (by == "own key" and not is_personal(operation)):
                assert attempt.status != 404, f"{operation}: {attempt}"
                assert attempt.status < 400 or attempt.status == 409, f"{operation}: {attempt}"
            if by == "admin" and not is_personal(operation):
                assert attempt.status not in (401, 403, 404), f"{operation}: {attempt}"


@pytest.mark.parametrize("operation", [one for one in ON_ROWS if len(one.parameters) > 1], ids=str)
async def test_what_is_in_ones_own_project_is_no_way_to_anothers(operation: Operation) -> None:
    there = await world(Service(memory_ports()), DOCUMENT)
    stranger = await there.service.person_with("projects:create", "tasks:read", "tasks:update", "tasks:delete")
    own = await stranger.project("mine")
    path = operation.path.format(**{**there.ids, "project_id": own["id"]})
    answer = await stranger.send(operation.method, path, **body_of(operation, there.ids))
    assert refused(Attempt("stranger", answer, frozenset())) or "user_id" in operation.parameters, answer.text
    assert not there.leaks(answer, shared=False)


async def test_a_key_that_is_said_to_be_for_somebody_elses_project_does_not_open_it() -> None:
    there = await world(Service(memory_ports()), DOCUMENT)
    stranger = await there.service.person_with(*MAY)
    answer = await stranger.post(
        "/v1/api-keys", name="k", scopes=["projects:read"], project_ids=[there.ids["project_id"]]
    )
    if answer.status_code == 201:
        robot = Caller(stranger.http, presenting(answer.json()["api_key"]))
        assert (await robot.get(there.path(GET_PROJECT))).status_code == 404
        assert (await robot.get("/v1/projects")).json()["data"] == []
    else:
        assert answer.status_code in (403, 404, 422), answer.text


@pytest.mark.parametrize(
    ("path", "content"),
    [("/v1/api-keys/verify", "json"), ("/v1/auth/introspect", "data")],
)
async def test_whoever_finds_a_key_learns_nothing_of_it_without_the_permission_to_ask(path: str, content: str) -> None:
    there = await world(Service(memory_ports()), DOCUMENT)
    member = {"json": "api_key", "data": "token"}[content]
    for by, caller in (await strangers(there)).items():
        answer = await caller.send("POST", path, **{content: {member: there.own_key.secret}})
        assert answer.status_code == (401 if by == "anonymous" else 403), answer.text
        assert not there.leaks(answer, shared=False)
