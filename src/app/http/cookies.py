"""Cookies: their names, how they are set, and which of them a request carries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from app.http.errors import MultipleCredentials
from domain.model.authorizations import AUTHORIZATION_LIFETIME
from domain.services.cookie_sessions import CookieSession
from domain.services.federated_sign_in import Departure

DEVICE = "hexkey_device"
DEVICE_SECONDS = 180 * 24 * 3600
_WAY_SECONDS = int(AUTHORIZATION_LIFETIME.total_seconds())
_STATE_SHOWN = 16


@dataclass(frozen=True, slots=True)
class CookieJar:
    """*https* is whether the public URL is: then browsers must keep the cookies to this very host, and to TLS."""

    https: bool

    @property
    def session_name(self) -> str:
        return self._host_only("hexkey_session")

    @property
    def csrf_name(self) -> str:
        return self._host_only("hexkey_csrf")

    def begin(self, begun: CookieSession) -> list[Cookie]:
        """No Max-Age: the browser forgets them when it is closed, and the server at the latest when they idle."""
        return [
            self._cookie(self.session_name, begun.cookie),
            self._cookie(self.csrf_name, begun.csrf_token, httponly=False),
            self.device(begun.device),
        ]

    def end(self) -> list[Cookie]:
        return [self._cookie(name, "", max_age=0) for name in (self.session_name, self.csrf_name)]

    def way_name(self, state: str) -> str:
        """Of the cookie that stays while the browser is at a provider; each way has its own, as each tab may go one."""
        return self._host_only(f"hexkey_oidc_{state[:_STATE_SHOWN]}")

    def departed(self, departure: Departure) -> Cookie:
        return self._cookie(self.way_name(departure.state), departure.cookie, max_age=_WAY_SECONDS)

    def arrived(self, state: str) -> Cookie:
        return self._cookie(self.way_name(state), "", max_age=0)

    def device(self, value: str) -> Cookie:
        return self._cookie(DEVICE, value, max_age=DEVICE_SECONDS)

    def _host_only(self, name: str) -> str:
        return f"__Host-{name}" if self.https else name

    def _cookie(self, name: str, value: str, *, httponly: bool = True, max_age: int | None = None) -> Cookie:
        return Cookie(
            key=name, value=value, path="/", secure=self.https, httponly=httponly, samesite="lax", max_age=max_age
        )


def jar_of(request: Request[Any, Any, Any]) -> CookieJar:
    jar: CookieJar = request.app.state.cookies
    return jar


def cookies_in(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, tuple[str, ...]]:
    """Every value of every name: a browser may send a name twice, from two paths or domains."""
    found: dict[str, tuple[str, ...]] = {}
    for field, line in headers:
        if field == b"cookie":
            for pair in line.decode("latin-1").split(";"):
                name, _, value = pair.strip().partition("=")
                found[name] = (*found.get(name, ()), value)
    return found


def cookie_in(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """Raises MultipleCredentials where it comes twice: which of them is meant cannot be known."""
    values = cookies_in(headers).get(name, ())
    if len(values) > 1:
        raise MultipleCredentials
    return values[0] if values else None


def hint_in(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """The first one: for what is no credential."""
    return next(iter(cookies_in(headers).get(name, ())), None)
