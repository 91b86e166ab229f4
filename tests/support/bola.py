"""A victim who has one of everything, and the calls on what is theirs, made from the OpenAPI document.

A new operation is called the day it exists. What a path, a query or a body names is looked up in ``World.ids`` by the
name that the document gives it; a path parameter that is not known there fails the test, which says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from tests.support.service import PASSWORD, Caller, Person, Robot, Service

CANARY = "canary"
"""In every name, text and address of the victim's."""

OWN = frozenset({"project_id", "task_id", "key_id", "session_id", "identity_id"})
"""Path parameters that name what belongs to one person; the others name what needs a permission."""

MAY = ("projects:create", "projects:read", "projects:update", "projects:delete", "tasks:create", "tasks:read")
MAY += ("tasks:update", "tasks:delete", "api_keys:create", "api_keys:read", "api_keys:update", "api_keys:rotate")
MAY += ("api_keys:revoke", "api_keys:delete")
"""All that reaches rows, without an `any`: it is the row that has to refuse."""

Document = dict[str, Any]
Said = tuple[int, Any]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    told: Document
    schemas: Document

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def public(self) -> bool:
        return not self.told["security"]

    @property
    def parameters(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def is_on_a_row(self) -> bool:
        return not OWN.isdisjoint(self.parameters)

    @property
    def is_shared(self) -> bool:
        """Whether members of a project may have a part in it."""
        return self.path.startswith("/v1/projects/{project_id}")

    @property
    def id_filters(self) -> list[str]:
        named = [p["name"] for p in self.told.get("parameters", ()) if p["in"] == "query"]
        return [name for name in named if name.endswith("_id")]


def operations(document: Document) -> list[Operation]:
    schemas = document["components"]["schemas"]
    return [
        Operation(method.upper(), path, told, schemas)
        for path, item in document["paths"].items()
        for method, told in item.items()
    ]


@dataclass(frozen=True)
class World:
    """*ids* are the victim's, by the parameter that names each; *editor* and *viewer* are members of the project."""

    service: Service
    victim: Person
    admin: Person
    own_key: Robot
    ids: Mapping[str, str]
    reads: tuple[Operation, ...]
    editor: Person
    viewer: Person

    def path(self, operation: Operation) -> str:
        unknown = [name for name in operation.parameters if name not in self.ids]
        assert not unknown, f"{operation}: give the victim something that {unknown} names, in {__name__}.world"
        ids = {**self.ids, "user_id": self.viewer.id} if operation.is_shared else self.ids
        return operation.path.format(**ids)

    def leaks(self, answer: httpx.Response, *, shared: bool) -> set[str]:
        """What *answer* tells of the victim beyond what was sent; to a member what is *shared* may be told."""
        sent = str(answer.request.url) + answer.request.content.decode()
        secrets = {value for value in (self.victim.id, *self.ids.values()) if len(value) == 36 and value not in sent}
        words = {CANARY} if not shared else {self.victim.email, self.own_key.secret}
        return {word for word in words | (set() if shared else secrets) if word in answer.text}

    async def seen(self) -> dict[str, Said]:
        """All that the victim can read, and of it what only an admin can."""
        told = {str(read): await self._read(self.victim, read) for read in self.reads}
        by_admin = [read for read in self.reads if read.parameters and not read.is_on_a_row]
        told |= {f"{read} by the admin": await self._read(self.admin, read) for read in by_admin}
        invitations = (await self.admin.get("/v1/invitations")).json()["data"]
        return told | {"the invitation": (200, [one for one in invitations if CANARY in one["email"]])}

    async def _read(self, reader: Caller, read: Operation) -> Said:
        answer = await reader.get(self.path(read))
        body = answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
        return answer.status_code, {**body, "request_id": ""} if isinstance(body, dict) else body


async def world(service: Service, document: Document, **others: str) -> World:
    """*others* are the ids of what an extension's paths name."""
    known = operations(document)
    there = {str(operation) for operation in known}
    admin = await service.admin()
    victim = await service.person_with(*MAY, email=f"{CANARY}@example.org")
    await victim.patch("/v1/me", name=f"{CANARY} Ada", username=f"{CANARY}.ada")
    editor, viewer = [await service.person_with(*MAY, email=f"{role}@example.org") for role in ("editor", "viewer")]
    project = await victim.project(f"{CANARY} project", description=f"{CANARY} text")
    own_key = await victim.key(*MAY, name=f"{CANARY} key", description=f"{CANARY} text")
    spare = await victim.key(*MAY, name=f"{CANARY} spare", metadata={"note": CANARY})
    ids = {"project_id": project["id"], "key_id": spare.id, "user_id": victim.id, "permission": "projects:read"}
    ids["session_id"] = await _other_session(service, victim)
    ids["role_id"] = (
        await _made(admin, "/v1/roles", name=f"{CANARY} role", permissions=["projects:read", "projects:update"])
    )["id"]
    await admin.put(f"/v1/roles/{ids['role_id']}/users/{victim.id}")
    ids["invitation_id"] = (await _made(admin, "/v1/invitations", email=f"{CANARY}.guest@example.org"))["id"]
    ids["name"] = "of-the-victim"
    await admin.put(f"/v1/scopes/{ids['name']}", permissions=["projects:read"], description=CANARY)
    ids |= {
        "provider": "corp",
        "source": "github",
        "identity_id": await service.identity(victim, email=f"{CANARY}@corp.example"),
    }
    if "POST /v1/projects/{project_id}/tasks" in there:
        tasks = f"/v1/projects/{project['id']}/tasks"
        ids["task_id"] = (await _made(victim, tasks, title=f"{CANARY} task", description=CANARY))["id"]
    if "PUT /v1/projects/{project_id}/members/{user_id}" in there:
        for person, role in ((editor, "editor"), (viewer, "viewer")):
            answer = await victim.put(f"/v1/projects/{project['id']}/members/{person.id}", role=role)
            assert answer.status_code == 200, answer.text
    ids |= others
    reads = tuple(one for one in known if one.method == "GET" and not one.public)
    return World(
        service=service, victim=victim, admin=admin, own_key=own_key, ids=ids, reads=reads, editor=editor, viewer=viewer
    )


async def _made(caller: Caller, path: str, **body: Any) -> Any:
    answer = await caller.post(path, **body)
    assert answer.status_code in (201, 202), answer.text
    return answer.json()


async def _other_session(service: Service, victim: Person) -> str:
    await service.sign_in(victim.email)
    held = (await victim.get("/v1/me/sessions")).json()["data"]
    return str(next(session["id"] for session in held if not session["current"]))


_fresh = count(1)


def body_of(operation: Operation, ids: Mapping[str, str]) -> dict[str, Any]:
    """A right body, as httpx sends it: all members, by their examples, and ids of the victim's wherever ids are."""
    if (content := operation.told.get("requestBody")) is None:
        return {}
    [(media_type, described)] = content["content"].items()
    body = sample(described["schema"], operation.schemas, ids)
    body = {name: value for name, value in body.items() if name not in ("expires_at", "invitation")}
    return {"json" if media_type == "application/json" else "data": body}


def sample(schema: Any, schemas: Document, ids: Mapping[str, str], name: str = "") -> Any:
    """Something that *schema* takes for the member *name*; what only the domain knows is said by name."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas, ids, name)
    if name in (meanings := _meanings(ids)):
        return meanings[name]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], schemas, ids, name)
    if schema.get("type") == "array":
        return [sample(schema["items"], schemas, ids, name)]
    if schema.get("type") == "object":
        return {key: sample(value, schemas, ids, key) for key, value in schema.get("properties", {}).items()}
    plain = {"boolean": False, "integer": schema.get("minimum", 1), "string": "x" * max(1, schema.get("minLength", 1))}
    return plain[schema["type"]]


def _meanings(ids: Mapping[str, str]) -> dict[str, Any]:
    """What a member means where its schema does not say; a name of its own each time, since names are unique."""
    number = next(_fresh)
    password = {"password": PASSWORD, "current_password": PASSWORD, "new_password": f"another {PASSWORD}"}
    words = {"email": f"new{number}@example.org", "username": f"new{number}", "name": f"new {number}"}
    owned = {"project_ids": [ids["project_id"]], "role_ids": [ids["role_id"]], "assignee_id": ids["user_id"]}
    times = {"due_at": "2026-02-01T00:00:00Z", "expires_in": "30d", "grace": "1h"}
    return {**password, **words, **owned, **times, "token": "none", "api_key": "none", "metadata": {}}


@dataclass(frozen=True)
class Attempt:
    """One call, as whom, and what was told."""

    by: str
    answer: httpx.Response
    leaked: frozenset[str]

    @property
    def status(self) -> int:
        return self.answer.status_code

    def __str__(self) -> str:
        return f"{self.by} was told {self.status}: {self.answer.text[:400]}"


async def attempts(there: World, operation: Operation, by: str, caller: Caller) -> list[Attempt]:
    """*operation* on what is the victim's, and once more by each filter that can name one of theirs."""
    shared = by in ("editor", "viewer") and operation.is_shared
    queries = ["", *(f"?{name}={there.ids.get(name, there.victim.id)}" for name in operation.id_filters)]
    made = []
    for query in queries:
        path = there.path(operation) + query
        answer = await caller.send(operation.method, path, **body_of(operation, there.ids))
        made.append(Attempt(by, answer, frozenset(there.leaks(answer, shared=shared))))
    return made


async def strangers(there: World) -> Mapping[str, Caller]:
    """Whoever has nothing to do with the victim: nobody, a person, and a key of theirs."""
    person = await there.service.person_with(*MAY)
    return {"anonymous": there.service.anyone, "stranger": person, "other's key": await person.key(*MAY)}
