from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.model.identities import Claims, LogoutClaims


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What ties a browser's way to a provider and back together.

    *state* travels with it, *cookie* stays in the browser, and *nonce* and *verifier* follow from the two, so that
    nothing of them has to be kept. *digest* is what is kept: it is found only with both.
    """

    state: str = field(repr=False)
    cookie: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    challenge: str
    """Of the verifier, by S256 (RFC 7636)."""
    digest: bytes = field(repr=False)


class Handshakes(Protocol):
    def begin(self) -> Handshake: ...

    def resume(self, state: str, cookie: str) -> Handshake | None:
        """None for what is not of our format."""


class IdentityProvider(Protocol):
    """An OpenID provider. It is not trusted: what it says is proved here before it is passed on.

    Whatever is asked of it ends within 5 seconds. Unavailable is raised while it is away, answers nonsense, or too
    much; it is asked anew at the next call.
    """

    @property
    def issuer(self) -> str:
        """As its tokens name it, to the letter."""

    async def authorization_url(self, handshake: Handshake, *, redirect_uri: str, registering: bool) -> str:
        """Where the browser goes: the code flow with PKCE. Raises Unavailable."""

    async def redeem(self, code: str, handshake: Handshake, *, redirect_uri: str, issuer: str | None) -> Claims:
        """Exchange *code*; *issuer* is what came back beside it (RFC 9207). Raises OidcRefused, Unavailable."""

    async def end_session_url(self, *, return_to: str) -> str | None:
        """Where the browser signs out there too; None where the provider offers nothing. Raises Unavailable."""

    async def read_logout_token(self, token: str) -> LogoutClaims:
        """OpenID Connect Back-Channel Logout 1.0, 2.6. Raises OidcRefused, Unavailable."""


IdentityProviders = Mapping[str, IdentityProvider]
"""By the name in their addresses."""
