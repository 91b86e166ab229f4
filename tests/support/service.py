"""The caller's language: the whole application in process, and the people and machines who call it.

    ada = await service.user()
    project = (await ada.post("/v1/projects", name="Warehouse")).json()
    robot = await ada.key("read")
    assert (await robot.get(f"/v1/projects/{project['id']}")).status_code == 200

A caller sends one credential, or none (``service.anyone``). Keyword arguments are the members of the body, and
``ada.saying(if_match='"1"')`` is Ada with another header. Only a browser keeps cookies:

    browser = await service.browser(ada)
    assert (await browser.delete("/v1/auth/session")).status_code == 204
"""

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.cookies import Morsel, SimpleCookie
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.types import ControllerRouterHandler

from adapters.memory.identity_providers import MemoryIdentityProvider
from adapters.memory.mails import MemoryMailSender
from app.composition import Ports, Services, assemble
from app.http.application import SERVICES, Exposure, create_app
from domain.model.actors import system
from domain.model.events import Event
from domain.model.ids import UserId
from domain.model.keys import Key
from domain.model.mails import Message
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.roles import ADMIN_ID
from tests.support.examples import a_key, a_secret
from tests.support.fakes import ManualClock
from tests.support.ports import memory_ports

PASSWORD = "correct horse battery staple"
ADDRESS = "203.0.113.7"
OPERATOR = system(CORE_PERMISSIONS)
_TOKEN = re.compile(r"\?token=(\S+)")
C = TypeVar("C", bound="Caller")


@dataclass(frozen=True)
class Caller:
    """Who presents *headers* with every request."""

    http: httpx.AsyncClient
    headers: Mapping[str, str] = field(default_factory=dict)

    def saying(self: C, **headers: str) -> C:
        """The same caller, with *headers* besides; an underscore stands for a dash."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})

    async def get(self, path: str) -> httpx.Response:
        return await self.send("GET", path)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Without members there is no body at all."""
        return await self.send("POST", path, **({"json": body} if body else {}))

    async def put(self, path: str, **body: Any) -> httpx.Response:
        """Without members there is no body at all."""
        return await self.send("PUT", path, **({"json": body} if body else {}))

    async def patch(self, path: str, **body: Any) -> httpx.Response:
        return await self.send("PATCH", path, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.send("DELETE", path)

    async def token(self, **form: str) -> httpx.Response:
        return await self.send("POST", "/v1/auth/token", data=form)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        """Anything that httpx can say, such as ``content=b"…"``."""
        return await self.http.request(method, path, headers={**self.headers, **(headers or {})}, **content)


@dataclass(frozen=True, kw_only=True)
class Robot(Caller):
    """A machine with an API key."""

    id: str
    secret: str
    view: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person(Caller):
    """Somebody who has registered and signed in."""

    id: str
    email: str
    tokens: Mapping[str, Any]

    async def key(self, *scopes: str, **members: Any) -> Robot:
        answer = await self.post("/v1/api-keys", **{"name": "robot", "scopes": scopes or ("read",), **members})
        assert answer.status_code == 201, answer.text
        key, secret = answer.json()["key"], answer.json()["api_key"]
        return Robot(self.http, presenting(secret), id=key["id"], secret=secret, view=key)

    async def project(self, name: str, **members: Any) -> dict[str, Any]:
        answer = await self.post("/v1/projects", name=name, **members)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


def presenting(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


@dataclass(frozen=True)
class Browser(Caller):
    """What a page of ours can do: it keeps the cookies that it is sent, and with them proves where it comes from."""

    jar: "dict[str, Morsel[str]]" = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """All of them, as the header has them."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self.jar.items())

    @property
    def session(self) -> str:
        """The session cookie, name and value."""
        return next(f"{name}={morsel.value}" for name, morsel in self.jar.items() if name.endswith("hexkey_session"))

    @property
    def csrf(self) -> str:
        return next((morsel.value for name, morsel in self.jar.items() if name.endswith("hexkey_csrf")), "")

    async def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/v1/auth/session", login=login, password=password)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        own = {"sec-fetch-site": "same-origin", "x-csrf-token": self.csrf, "cookie": self.cookie}
        sent = {name: value for name, value in own.items() if value}
        answer = await super().send(method, path, {**sent, **self.headers, **(headers or {})}, **content)
        for name, morsel in set_cookies(answer).items():
            if morsel["max-age"] == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = morsel
        return answer


def set_cookies(answer: httpx.Response) -> "dict[str, Morsel[str]]":
    return {
        name: morsel for line in answer.headers.get_list("set-cookie") for name, morsel in SimpleCookie(line).items()
    }


_playing: ContextVar[Services] = ContextVar("playing")


def _role(name: str, service: object) -> Any:
    """A service without members of its own: it finds each in the one that is being called."""
    kind = type(service)
    found = {"__getattr__": lambda _, member: getattr(getattr(_playing.get(), name), member)}
    return object.__new__(type(kind.__name__, (kind,), found))


@cache
def _stage(exposure: Exposure) -> Litestar:
    """One application for every service of one *exposure*: building it takes 50 ms, where most tests take 5."""
    empty = assemble(memory_ports())
    roles: dict[str, Any] = {name: _role(name, getattr(empty, name)) for name in SERVICES}
    return create_app(replace(empty, new_request_id=lambda: _playing.get().new_request_id(), **roles), exposure)


class Service:
    """One service over *ports*; *address* is where its callers' sockets come from."""

    def __init__(
        self,
        ports: Ports,
        exposure: Exposure | None = None,
        *,
        address: str = ADDRESS,
        handlers: Iterable[ControllerRouterHandler] = (),
        without: Iterable[str] = (),
    ) -> None:
        self.ports = ports
        self.services = assemble(ports)
        own = bool(ports.checks or handlers or without or (exposure and exposure.metrics_token))
        if own:
            self.app: Litestar = create_app(self.services, exposure, handlers=handlers, without=without)
        else:
            self.app = _stage(exposure or Exposure())
        self._operator = system(self.services.catalogue.permissions)
        self._numbers = count(1)
        self.anyone = self.at(address)

    def at(self, address: str) -> Caller:
        """Somebody at *address* who presents nothing."""
        return Caller(self._client(address))

    def stranger(self, address: str = ADDRESS) -> Browser:
        """A browser that has never been here."""
        return Browser(self._client(address))

    async def browser(self, person: Person) -> Browser:
        """One in which *person* has signed in."""
        browser = self.stranger()
        answer = await browser.sign_in(person.email)
        assert answer.status_code == 201, answer.text
        return browser

    @property
    def provider(self) -> MemoryIdentityProvider:
        """The one that people know as ``corp``."""
        provider = self.ports.identity_providers["corp"]
        assert isinstance(provider, MemoryIdentityProvider)
        return provider

    async def identity(self, person: Person, subject: str | None = None, **claims: Any) -> str:
        """The id of an identity by which *person* can sign in from now on."""
        browser = await self.browser(person)
        departure = await browser.get("/v1/auth/oidc/corp/link")
        await browser.get(self.provider.approve(departure.headers["location"], subject or person.id, **claims))
        linked = (await person.get("/v1/me/identities")).json()["data"]
        return str(linked[-1]["id"])

    def _client(self, address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.play, client=(address, 50_000))
        forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", cookies=forgetful)

    async def play(self, scope: Any, receive: Any, send: Any) -> None:
        """The application, as a server calls it."""
        _playing.set(self.services)
        await self.app(scope, receive, send)

    def advance(self, **by: float) -> None:
        """``service.advance(minutes=10)``"""
        assert isinstance(self.ports.clock, ManualClock)
        self.ports.clock.advance(timedelta(**by))

    @property
    def mails(self) -> list[Message]:
        """What was sent, in its order."""
        assert isinstance(self.ports.mail, MemoryMailSender)
        return self.ports.mail.sent

    async def deliver(self) -> list[Message]:
        """Send what is due; what that was."""
        before = len(self.mails)
        while await self.services.mails.deliver():
            pass
        return self.mails[before:]

    async def mailed_token(self, to: str) -> str:
        """What the link carries in the last mail to that address, once what is due has been sent."""
        await self.deliver()
        text = next(message.text for message in reversed(self.mails) if message.to == to)
        match = _TOKEN.search(text)
        assert match is not None, text
        return match[1]

    async def user(self, email: str | None = None, **members: Any) -> Person:
        address = email or f"person{next(self._numbers)}@example.org"
        answer = await self.anyone.post("/v1/auth/register", email=address, password=PASSWORD, **members)
        assert answer.status_code == 201, answer.text
        return await self._signed_in(address, answer.json()["id"])

    async def admin(self, email: str = "admin@example.org") -> Person:
        user = await self.services.users.create(self._operator, email=email, password=PASSWORD, role_ids=(ADMIN_ID,))
        return await self._signed_in(email, str(user.id))

    async def person_with(self, *permissions: str, email: str | None = None) -> Person:
        """Somebody who may do exactly *permissions*, by a role of their own."""
        address = email or f"person{next(self._numbers)}@example.org"
        role = await self.services.roles.create(self._operator, name=f"of {address}", permissions=permissions)
        user = await self.services.users.create(self._operator, email=address, password=PASSWORD, role_ids=(role.id,))
        return await self._signed_in(address, str(user.id))

    async def acting_as(self, target: Person, by: Person) -> Caller:
        answer = await by.post(f"/v1/users/{target.id}/impersonate")
        assert answer.status_code == 200, answer.text
        return Caller(by.http, presenting(answer.json()["access_token"]))

    async def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = await self.anyone.token(grant_type="password", username=email, password=password)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def deactivate(self, person: Person) -> None:
        async with self.ports.uow() as work:
            user = await work.users.get(UserId(UUID(person.id)))
            await work.users.save(replace(user, is_active=False))

    async def given_key(self, owner: Person, *scopes: str, **members: Any) -> Robot:
        """A key that no minter could have issued: kept directly, whatever its owner may do."""
        async with self.ports.uow() as work:
            user = await work.users.get(UserId(UUID(owner.id)))
            key: Key = a_key(user, scopes=frozenset(scopes), **members)
            minted = self.ports.key_secrets.mint(key.id)
            secret = a_secret(digest=minted.digest, pepper_id=minted.pepper_id, last4=minted.last4)
            await work.keys.add(replace(key, secrets=(secret,)), live_at_most=1000, now=key.created_at)
        return Robot(owner.http, presenting(minted.plain), id=str(key.id), secret=minted.plain, view={})

    async def events(self, limit: int = 100) -> tuple[Event, ...]:
        """Newest first."""
        async with self.ports.uow.reading() as work:
            return await work.events.list(limit)

    async def _signed_in(self, email: str, user_id: str) -> Person:
        tokens = await self.sign_in(email)
        headers = presenting(tokens["access_token"])
        return Person(self.anyone.http, headers, id=user_id, email=email, tokens=tokens)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, proved to be a whole problem (RFC 9457)."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["instance"] == answer.request.url.path
    assert problem["title"], problem["detail"]
    return answer.status_code, problem["code"]


def pointers(answer: httpx.Response) -> list[str]:
    """What a 422 points at."""
    assert refusal(answer) == (422, "invalid_input"), answer.text
    return [error["pointer"] for error in answer.json()["errors"]]
