"""A whole life with the service, right and wrong; every secret that is sent or handed out in it is watched."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.canaries import Canaries

ADMIN, ADA, MOVED, GUEST = "admin@example.org", "ada@example.org", "ada@new.example", "guest@example.org"
COOKIES = {
    "hexkey_session": "session cookie",
    "hexkey_csrf": "CSRF token",
    "hexkey_device": "device cookie",
}
WAY = "hexkey_oidc_"
MEMBERS = {"access_token": "access token", "refresh_token": "refresh token", "api_key": "API key"}
FROM_ELSEWHERE = {"cookie of the way", "state", "authorization code", "logout token"}
KINDS = {
    *COOKIES.values(),
    *MEMBERS.values(),
    *FROM_ELSEWHERE,
    "mailed token",
    "Idempotency-Key",
    "password",
    "wrong password",
}
REFUSED = {400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429}


def a_password() -> str:
    """One that is written in another way in an URL, in JSON and in a repr."""
    return f'{secrets.token_urlsafe(18)} "é\\%+&'


@dataclass
class Life:
    """*http* reaches a service with an admin; *mailed* waits for a link to an address and gives its token. At the
    provider ``corp`` somebody is signed in by *approve*, and where they were sent comes back; *signed_out* is its token
    for that they are so no more.

    Every request calls itself *request_id*: whatever tells anything of requests must show it.
    """

    http: httpx.AsyncClient
    canaries: Canaries
    mailed: Callable[[str], Awaitable[str]]
    admin_password: str
    approve: Callable[[str], str]
    signed_out: Callable[[], str]
    request_id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    errors: list[bytes] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    arrivals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http.event_hooks["response"] = [self._note]
        self.http.headers["x-request-id"] = self.request_id
        self.password = ""
        self.new_password()

    async def _note(self, answer: httpx.Response) -> None:
        """Keep errors and watch secrets; cookies are sent only where a test says so."""
        body = await answer.aread()
        self.statuses.add(answer.status_code)
        if answer.status_code == 302:
            self.arrivals.append(answer.headers["location"])
        if answer.status_code >= 400:
            self.errors.append(repr(answer.headers).encode() + body)
        elif answer.headers.get("content-type") == "application/json":
            for member, kind in MEMBERS.items():
                if isinstance(answer.json(), dict) and answer.json().get(member):
                    self.canaries.add(kind, answer.json()[member])
        for name, value in answer.cookies.items():
            if value:
                self.canaries.add("cookie of the way" if name.startswith(WAY) else COOKIES[name], value)
        self.http.cookies.clear()

    def new_password(self) -> str:
        """One for Ada, watched."""
        self.password = self.canaries.add("password", a_password())
        return self.password

    async def ask(self, method: str, path: str, *, by: str | None = None, **content: Any) -> httpx.Response:
        """*by* is an access token or an API key."""
        headers = {"authorization": f"Bearer {by}"} if by else {}
        return await self.http.request(method, path, headers={**headers, **content.pop("headers", {})}, **content)

    async def ok(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self.ask(method, path, **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer

    async def tokens(self, email: str, password: str) -> dict[str, str]:
        form = {"grant_type": "password", "username": email, "password": password}
        tokens: dict[str, str] = (await self.ok("POST", "/v1/auth/token", data=form)).json()
        return tokens

    async def browser(self, email: str) -> dict[str, str]:
        """What one sends in which Ada has signed in."""
        begun = await self.ok("POST", "/v1/auth/session", json={"login": email, "password": self.password})
        cookies = dict(begun.cookies)
        return {"cookie": "; ".join(map("=".join, cookies.items())), "x-csrf-token": cookies["hexkey_csrf"]}

    async def link(self, to: str) -> str:
        return self.canaries.add("mailed token", await self.mailed(to))

    async def live(self) -> dict[str, bytes]:
        """All of it; then what the service tells of it, by what that is."""
        admin = (await self.tokens(ADMIN, self.admin_password))["access_token"]
        await self.ok("POST", "/v1/invitations", by=admin, json={"email": GUEST})
        ada = await self._come_in()
        await self._bring_a_guest()
        await self._hold_sessions()
        await self._come_from_elsewhere()
        await self._hold_keys(ada, admin)
        ada = await self._change_everything(admin)
        await self._be_refused(ada)
        await self._misplace(ada)
        export = await self.ok("GET", "/v1/me/export", headers=await self.browser(MOVED))
        return {
            "the export": export.content,
            "the trail": (await self.ok("GET", "/v1/audit-events?limit=200", by=admin)).content,
            "the OpenAPI document": (await self.ok("GET", "/openapi.json")).content,
        }

    async def _come_in(self) -> str:
        await self.ok("POST", "/v1/auth/register", json={"email": ADA, "password": self.password, "username": "ada"})
        token = {"token": await self.link(ADA)}
        await self.ok("POST", "/v1/auth/email/verify", json=token)
        await self.ask("POST", "/v1/auth/email/verify", json=token)
        return (await self.tokens(ADA, self.password))["access_token"]

    async def _hold_sessions(self) -> None:
        """Refreshed, replayed by a thief, kept in a browser, revoked."""
        first = (await self.tokens(ADA, self.password))["refresh_token"]
        spend = {"grant_type": "refresh_token", "refresh_token": first}
        await self.ok("POST", "/v1/auth/token", data=spend)
        await self.ask("POST", "/v1/auth/token", data=spend, headers={"user-agent": "thief"})
        browser = await self.browser(ADA)
        await self.ask("PATCH", "/v1/me", json={"name": "Ada"}, headers={"cookie": browser["cookie"]})
        await self.ok("PATCH", "/v1/me", json={"name": "Ada"}, headers=browser)
        await self.ok("POST", "/v1/auth/revoke", data={"token": first})

    async def _come_from_elsewhere(self) -> None:
        """By another browser's cookie, by the own one, once more, and out again as the provider wants it."""
        departure = await self.ask("GET", "/v1/auth/oidc/corp/login", params={"return_to": "/welcome"})
        back = self.approve(departure.headers["location"])
        [(name, cookie)] = departure.cookies.items()
        for kind, member in (("state", "state"), ("authorization code", "code")):
            self.canaries.add(kind, dict(parse_qsl(urlsplit(back).query))[member])
        path = back.partition("/v1/")[2]
        for sent in (cookie[::-1], cookie, cookie):
            answer = await self.ask("GET", f"/v1/{path}", headers={"cookie": f"{name}={sent}"})
        assert ("/welcome" in self.arrivals, answer.status_code) == (True, 400)
        form = {"logout_token": self.canaries.add("logout token", self.signed_out())}
        await self.ok("POST", "/v1/auth/oidc/corp/backchannel-logout", data=form)
        await self.ask("POST", "/v1/auth/oidc/corp/backchannel-logout", data={"logout_token": f"{form}x"})

    async def _hold_keys(self, ada: str, admin: str) -> None:
        issued = (await self.ok("POST", "/v1/api-keys", by=ada, json={"name": "robot", "scopes": ["read"]})).json()
        key, path = issued["api_key"], f"/v1/api-keys/{issued['key']['id']}"
        self.canaries.add("API key", key.rpartition("_")[2])
        await self.ok("GET", "/v1/projects", by=key)
        for presented in (key, key[:-1] + "x", key + "x"):
            await self.ok("POST", "/v1/api-keys/verify", by=admin, json={"api_key": presented})
            await self.ok("POST", "/v1/auth/introspect", by=admin, data={"token": presented})
        once = {"idempotency-key": self.canaries.add("Idempotency-Key", secrets.token_urlsafe(24))}
        for _ in range(2):
            await self.ok("POST", f"{path}/rotate", by=ada, json={"grace": "1h"}, headers=once)
            await self.ok("POST", "/v1/api-keys", by=ada, json={"name": "twin", "scopes": ["read"]}, headers=once)
        await self.ask("POST", f"{path}/rotate", by=ada, json={"grace": "2h"}, headers=once)
        await self.ok("POST", f"{path}/revoke", by=ada)
        await self.ask("GET", "/v1/projects", by=key)

    async def _change_everything(self, admin: str) -> str:
        """The password by a link, by oneself and by an admin, and the address."""
        await self.ok("POST", "/v1/auth/password/forgot", json={"email": ADA})
        token = await self.link(ADA)
        await self.ask("POST", "/v1/auth/password/reset", json={"token": token, "password": "too short"})
        await self.ok("POST", "/v1/auth/password/reset", json={"token": token, "password": self.new_password()})
        ada = (await self.tokens(ADA, self.password))["access_token"]
        user = f"/v1/users/{(await self.ok('GET', '/v1/me', by=ada)).json()['id']}"
        await self._change_password(ada)
        await self.ok("PUT", "/v1/me/email", by=ada, json={"email": MOVED, "current_password": self.password})
        await self.ok("POST", "/v1/auth/email/verify", json={"token": await self.link(MOVED)})
        acting = (await self.ok("POST", f"{user}/impersonate", by=admin)).json()["access_token"]
        await self.ok("GET", "/v1/me", by=acting)
        await self.ask("PUT", "/v1/me/email", by=acting, json={"email": ADA, "current_password": self.password})
        await self.ok("PUT", f"{user}/password", by=admin, json={"new_password": self.new_password()})
        ada = (await self.tokens(MOVED, self.password))["access_token"]
        await self.ask("GET", "/v1/me", by=ada)
        await self._change_password(ada)
        return ada

    async def _change_password(self, ada: str) -> None:
        change = {"current_password": self.password, "new_password": self.new_password()}
        await self.ok("PUT", "/v1/me/password", by=ada, json=change)
        await self.ask("PUT", "/v1/me/password", by=ada, json=change)

    async def _bring_a_guest(self) -> None:
        """With a wrong invitation, with a good one, and then with wrong passwords until they have to wait."""
        guest = {"email": GUEST, "password": self.canaries.add("password", a_password())}
        await self.ask("POST", "/v1/auth/register", json={**guest, "invitation": guest["password"]})
        await self.ok("POST", "/v1/auth/register", json={**guest, "invitation": await self.link(GUEST)})
        wrong = self.canaries.add("wrong password", a_password())
        for login in ("nobody", *[GUEST] * 6):
            await self.ask("POST", "/v1/auth/session", json={"login": login, "password": wrong})
        for kind in ("password", "refresh_token", wrong):
            form = {"grant_type": kind, "username": "nobody", "password": wrong, "refresh_token": wrong}
            await self.ask("POST", "/v1/auth/token", data=form)

    async def _be_refused(self, ada: str) -> None:
        """By every status that a caller can bring about."""
        made = await self.ok("POST", "/v1/projects", by=ada, json={"name": "Warehouse"})
        path = made.headers["location"]
        await self.ask("POST", "/v1/projects", by=ada, json={"name": "Warehouse"})
        await self.ask("PATCH", path, by=ada, json={"name": "W"}, headers={"if-match": '"9"'})
        await self.ask("GET", "/v1/projects/nonsense", by=ada)
        await self.ask("GET", "/v1/audit-events", by=ada)
        await self.ask("DELETE", "/v1/me", by=ada)
        await self.ask("POST", "/v1/projects", by=ada, content=b"x" * 1_100_000)
        await self.ask("POST", "/v1/projects", by=ada, content=b"{}", headers={"content-type": "text/plain"})
        await self.ask("POST", "/v1/auth/session", content=b"{")
        assert self.statuses >= REFUSED, REFUSED - self.statuses

    async def _misplace(self, ada: str) -> None:
        """A secret of every kind, where none belongs: what refuses it must not repeat it."""
        for secret in self.canaries.of_each_kind():
            text = secret.encode("ascii", "replace").decode()
            body = {secret: secret, "login": [secret], "email": secret, "password": {secret: 1}, "token": secret}
            for path in ("session", "register", "password/reset", "password/forgot", "email/verify"):
                await self.ask("POST", f"/v1/auth/{path}", json=body)
                await self.ask("POST", f"/v1/auth/{path}", json={"email": secret, "token": secret, "password": secret})
            await self.ask("POST", "/v1/auth/session", content=b'{"login": "' + secret.encode())
            await self.ask("POST", "/v1/auth/session", content=b"{}", headers={"content-type": text})
            await self.ask("POST", "/v1/auth/token", data={"grant_type": secret, secret: secret})
            await self.ask("PATCH", "/v1/me", by=ada, json={"username": secret}, headers={"if-match": text})
            await self.ask("POST", "/v1/projects", by=ada, json={"name": "x", "description": [secret]})
            await self.ask("GET", "/v1/projects", by=ada, params={"sorting": secret})
            await self.ask("GET", "/v1/projects", by=ada, params={secret: secret})
            await self.ask("GET", "/reset-password", params={"token": secret})
            await self.ask("GET", "/v1/me", headers={"authorization": f"Basic {text}"})
            await self.ask("GET", "/v1/me", headers={"authorization": text, "x-api-key": text})
            await self.ask("GET", "/v1/me", headers={"x-api-key": text})
            await self.ask("GET", "/v1/me", headers={"cookie": f"hexkey_session={text}; hexkey_device={text}"})
            await self.ask("GET", "/", headers={"host": "evil.example", "origin": text, "x-forwarded-for": text})
