"""What many do with the service at the same time, for as long as is asked: and what of it was acknowledged."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.support.process import PASSWORD, Server

LIMIT = 50
"""What the limited key may do in a minute."""
CALLERS = 8
Act = Callable[["Person"], Awaitable[None]]


@dataclass
class Person:
    """Somebody with a connection, a key, and what they were told that they have."""

    http: httpx.AsyncClient
    email: str
    random: random.Random
    tokens: dict[str, str] = field(default_factory=dict)
    key: str = ""
    projects: dict[str, str] = field(default_factory=dict)
    """By id, the name that was acknowledged last; *doubtful* are those of which a change was sent and not answered."""
    doubtful: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}


@dataclass
class Mixed:
    """*answers* counts statuses, *dropped* are connections that ended without an answer, *writes* is when each write
    that was acknowledged was asked for and answered, *limited* when each call of the limited key was admitted.
    """

    server: Server
    seed: int = 1
    people: list[Person] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    dropped: int = 0
    writes: list[tuple[float, float]] = field(default_factory=list)
    limited: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._over, self._numbers = asyncio.Event(), count(1)
        for number in range(CALLERS):
            self.people.append(await self._arrive(f"mixed{number}@example.org", random.Random(self.seed + number)))
        self._limited_key = await self._new_key(self.people[0], limits=[f"{LIMIT}/minute"])
        tasks = [asyncio.create_task(self._live(person)) for person in self.people]
        tasks.append(asyncio.create_task(self._press(self.people[0])))
        try:
            yield
        finally:
            self._over.set()
            await asyncio.gather(*tasks)
            for person in self.people:
                await person.http.aclose()

    async def _arrive(self, email: str, draws: random.Random) -> Person:
        http = httpx.AsyncClient(base_url=self.server.url, timeout=20)
        person = Person(http, email, draws)
        await http.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
        await self._sign_in(person)
        person.key = await self._new_key(person)
        return person

    async def _live(self, person: Person) -> None:
        acts: list[tuple[Act, int]] = [
            (self._look, 20),
            (self._list, 8),
            (self._make, 8),
            (self._rename, 6),
            (self._refresh, 2),
            (self._turn, 2),
            (self._sign_in, 1),
        ]
        while not self._over.is_set():
            [act] = person.random.choices([act for act, _ in acts], [weight for _, weight in acts])
            await act(person)
            await asyncio.sleep(0.005)

    async def _press(self, person: Person) -> None:
        """The limited key, as often as it goes."""
        while not self._over.is_set():
            answer = await self._ask(person, "GET", "/v1/whoami", headers={"x-api-key": self._limited_key})
            if answer is not None and answer.status_code == 200:
                self.limited.append(time.monotonic())
            await asyncio.sleep(0.05)

    async def _look(self, person: Person) -> None:
        await self._ask(person, "GET", "/v1/whoami", headers={"x-api-key": person.key})

    async def _list(self, person: Person) -> None:
        await self._ask(person, "GET", "/v1/projects?limit=20", headers=person.bearer)

    async def _make(self, person: Person) -> None:
        name = f"project {next(self._numbers)}"
        answer = await self._write(person, "POST", "/v1/projects", json={"name": name})
        if answer is not None and answer.status_code == 201:
            person.projects[answer.json()["id"]] = name

    async def _rename(self, person: Person) -> None:
        if not person.projects:
            return
        project_id, name = person.random.choice(list(person.projects)), f"renamed {next(self._numbers)}"
        answer = await self._write(person, "PATCH", f"/v1/projects/{project_id}", json={"name": name})
        if answer is not None and answer.status_code == 200:
            person.projects[project_id] = name
            person.doubtful.discard(project_id)
        elif answer is None or answer.status_code >= 500:
            person.doubtful.add(project_id)

    async def _turn(self, person: Person) -> None:
        """A new key, and the end of the old one; of who is not answered nothing is known."""
        old, person.key = person.key, await self._new_key(person)
        made = await self._ask(person, "POST", "/v1/api-keys/revoke-self", headers={"x-api-key": old})
        if made is not None and made.status_code == 204:
            person.revoked.append(old)

    async def _refresh(self, person: Person) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": person.tokens["refresh_token"]}
        answer = await self._ask(person, "POST", "/v1/auth/token", data=form)
        if answer is not None and answer.status_code == 200:
            person.tokens = answer.json()
        else:  # the answer that would have carried it on is lost
            await self._sign_in(person)

    async def _sign_in(self, person: Person) -> None:
        form = {"grant_type": "password", "username": person.email, "password": PASSWORD}
        person.tokens = (await self._until(200, person, "POST", "/v1/auth/token", data=form)).json()

    async def _new_key(self, person: Person, **members: Any) -> str:
        body = {"name": "robot", "scopes": ["read"], **members}
        made = await self._until(201, person, "POST", "/v1/api-keys", json=body, by_person=True)
        secret: str = made.json()["api_key"]
        return secret

    async def _until(
        self, status: int, person: Person, method: str, path: str, *, by_person: bool = False, **content: Any
    ) -> httpx.Response:
        """Again and again, as a client does that is told to come back."""
        while True:
            headers = person.bearer if by_person else {}
            answer = await self._ask(person, method, path, headers=headers, **content)
            if answer is not None and answer.status_code == status:
                return answer
            if answer is not None and answer.status_code not in {429, 503}:
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.1)

    async def _write(self, person: Person, method: str, path: str, **content: Any) -> httpx.Response | None:
        began = time.monotonic()
        answer = await self._ask(person, method, path, headers=person.bearer, **content)
        if answer is not None and answer.is_success:
            self.writes.append((began, time.monotonic()))
        return answer

    async def _ask(self, person: Person, method: str, path: str, **content: Any) -> httpx.Response | None:
        """None where the connection ended without an answer, as it does with a worker that is killed."""
        try:
            answer = await person.http.request(method, path, **content)
        except httpx.TransportError:
            assert self.server.process.poll() is None, self.server.said
            self.dropped += 1
            return None
        self.answers[answer.status_code] += 1
        if answer.status_code not in EXPECTED:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer


EXPECTED = frozenset({200, 201, 204, 429, 503})
