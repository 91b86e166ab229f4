"""People and machines who call the service, each with an ``httpx.AsyncClient`` that presents their credential."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import count
from typing import Any

import httpx

from app.services import Services
from domain.model.actors import system
from domain.model.ids import RoleId
from domain.model.roles import ADMIN_ID

PASSWORD = "correct horse battery staple"
URL = "http://127.0.0.1:8000"


def calling(app: Any, credential: str | None = None) -> httpx.AsyncClient:
    """A client of *app* that presents *credential*, and nothing else: it keeps no cookies."""
    headers = {} if credential is None else {"authorization": f"Bearer {credential}"}
    forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL, headers=headers, cookies=forgetful)


@dataclass(frozen=True, kw_only=True)
class Robot:
    """A machine with an API key; *view* is how the service shows the key."""

    client: httpx.AsyncClient
    id: str
    secret: str
    view: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who has signed in."""

    app: Any
    client: httpx.AsyncClient
    id: str
    email: str

    async def key(self, *scopes: str, **members: Any) -> Robot:
        """An API key of theirs, that may ``read`` unless *scopes* say otherwise."""
        made = await self._made("/v1/api-keys", **{"name": "robot", "scopes": scopes or ("read",), **members})
        secret: str = made["api_key"]
        return Robot(client=calling(self.app, secret), id=made["key"]["id"], secret=secret, view=made["key"])

    async def project(self, name: str, **members: Any) -> dict[str, Any]:
        return await self._made("/v1/projects", name=name, **members)

    async def task(self, project: Mapping[str, Any], title: str, **members: Any) -> dict[str, Any]:
        return await self._made(f"/v1/projects/{project['id']}/tasks", title=title, **members)

    async def _made(self, path: str, **body: Any) -> dict[str, Any]:
        return _created(await self.client.post(path, json=body))


class Scenario:
    """Who and what is there when a test begins: ``await (await scenario.user()).project("Warehouse")``."""

    def __init__(self, app: Any, services: Services) -> None:
        self._app = app
        self._services = services
        self._operator = system(services.catalogue.permissions)
        self._numbers = count(1)

    def browser(self) -> httpx.AsyncClient:
        """One in which nobody has signed in; it keeps the cookies that it is sent."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url=URL)

    async def user(self, email: str | None = None, **members: Any) -> Person:
        """Somebody who has registered, and may do what every member may."""
        email = email or self._address()
        body = {"email": email, "password": PASSWORD, **members}
        registered = _created(await calling(self._app).post("/v1/auth/register", json=body))
        return await self._signed_in(email, registered["id"])

    async def admin(self, email: str | None = None) -> Person:
        """Somebody who may do everything."""
        return await self._holding(ADMIN_ID, email or self._address())

    async def person_with(self, *permissions: str, email: str | None = None) -> Person:
        """Somebody who may do exactly *permissions*, by a role of their own."""
        email = email or self._address()
        role = await self._services.roles.create(self._operator, name=f"of {email}", permissions=permissions)
        return await self._holding(role.id, email)

    async def _holding(self, role_id: RoleId, email: str) -> Person:
        made = self._services.users.create(self._operator, email=email, password=PASSWORD, role_ids=(role_id,))
        return await self._signed_in(email, str((await made).id))

    async def _signed_in(self, email: str, user_id: str) -> Person:
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        answer = await calling(self._app).post("/v1/auth/token", data=form)
        assert answer.status_code == 200, answer.text  # noqa: S101 - this is for tests
        client = calling(self._app, answer.json()["access_token"])
        return Person(app=self._app, client=client, id=user_id, email=email)

    def _address(self) -> str:
        return f"person{next(self._numbers)}@example.org"


def _created(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text  # noqa: S101 - this is for tests
    created: dict[str, Any] = answer.json()
    return created
