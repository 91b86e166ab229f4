"""A provider of identities without a network: who signs in there is said by whoever holds it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from domain.errors import OidcRefused, Unavailable
from domain.model.identities import Claims, LogoutClaims
from domain.ports.identity_providers import Handshake


@dataclass(frozen=True, slots=True)
class _Code:
    claims: Claims
    challenge: str
    nonce: str
    redirect_uri: str


class MemoryIdentityProvider:
    """``approve(url, …)`` is a person who signs in where a browser was sent. While it is *away*, all is Unavailable.

    What it hands out may be redeemed once, and only as it was asked for: it is as strict as a real one.
    """

    def __init__(self, issuer: str = "https://login.example.org", *, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self.away = False
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._logouts: dict[str, LogoutClaims] = {}

    async def authorization_url(self, handshake: Handshake, *, redirect_uri: str, registering: bool) -> str:
        self._require_here()
        query = {
            "redirect_uri": redirect_uri,
            "state": handshake.state,
            "nonce": handshake.nonce,
            "code_challenge": handshake.challenge,
            "code_challenge_method": "S256",
            **({"prompt": "create"} if registering else {}),
        }
        return f"{self.issuer}/authorize?{urlencode(query)}"

    def approve(self, url: str, subject: str = "ada", **claims: Any) -> str:
        """The address at which the browser comes back: with the claims of *subject*, ``Claims``'s members, proved."""
        asked, code = dict(parse_qsl(urlsplit(url).query)), secrets.token_urlsafe(32)
        said = Claims(**{"issuer": self.issuer, "subject": subject, **claims})
        self._codes[code] = _Code(said, asked["code_challenge"], asked["nonce"], asked["redirect_uri"])
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    async def redeem(self, code: str, handshake: Handshake, *, redirect_uri: str, issuer: str | None) -> Claims:
        self._require_here()
        known = self._codes.pop(code, None)
        asked = (handshake.challenge, handshake.nonce, redirect_uri)
        if known is None or (known.challenge, known.nonce, known.redirect_uri) != asked:
            raise OidcRefused
        if issuer not in {None, self.issuer}:
            raise OidcRefused
        return known.claims

    async def end_session_url(self, *, return_to: str) -> str | None:
        self._require_here()
        return f"{self.issuer}/logout?{urlencode({'post_logout_redirect_uri': return_to})}"

    def logout_token(self, **claims: Any) -> str:
        """One that says that a *subject*, or the provider's *session*, is signed out there since now."""
        token = secrets.token_urlsafe(32)
        self._logouts[token] = replace(LogoutClaims(issuer=self.issuer, issued_at=self._now()), **claims)
        return token

    async def read_logout_token(self, token: str) -> LogoutClaims:
        self._require_here()
        if token not in self._logouts:
            raise OidcRefused
        return self._logouts[token]

    def _require_here(self) -> None:
        if self.away:
            raise Unavailable("the identity provider cannot be reached")
