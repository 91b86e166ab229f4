"""Sign-ins between our adapter and a provider of the tests, on one clock."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from adapters.oidc import OpenIdProvider
from adapters.security.handshakes import HmacHandshakes
from domain.model.identities import Claims
from domain.ports.identity_providers import Handshake, IdentityProvider
from tests.support import openid
from tests.support.fakes import ManualClock

CALLBACK = "https://keys.example.org/v1/auth/oidc/test/callback"
HANDSHAKES = HmacHandshakes()


@dataclass
class Conversation:
    clock: ManualClock
    provider: openid.OpenIdProvider
    ours: IdentityProvider

    async def sent(self, *, registering: bool = False) -> "Visit":
        handshake = HANDSHAKES.begin()
        url = await self.ours.authorization_url(handshake, redirect_uri=CALLBACK, registering=registering)
        return Visit(self, handshake, url)

    async def sign_in(self) -> Claims:
        """All the way, as it should be."""
        return await (await self.sent()).back()


@dataclass
class Visit:
    conversation: Conversation
    handshake: Handshake
    url: str
    brought: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))

    def approved(self) -> "Visit":
        """The person signs in there; what the browser is to bring back is in *brought*."""
        self.brought = dict(parse_qsl(urlsplit(self.conversation.provider.sign_in(self.url)).query))
        return self

    async def back(self, **changes: Any) -> Claims:
        """With what the provider sent along, and *changes* in it."""
        brought = {**(self.brought or self.approved().brought), **changes}
        return await self.conversation.ours.redeem(
            brought["code"], self.handshake, redirect_uri=CALLBACK, issuer=brought.get("iss")
        )


def conversation(
    *,
    register_prompt: bool = False,
    patience: float = 5.0,
    scopes: tuple[str, ...] = ("openid", "email"),
    **provider: Any,
) -> Conversation:
    """With a provider that is told *provider*, and no network in between."""
    theirs = openid.OpenIdProvider(**provider)
    return begin(theirs, theirs.transport, register_prompt=register_prompt, patience=patience, scopes=scopes)


def begin(theirs: openid.OpenIdProvider, transport: httpx.AsyncBaseTransport | None, **ours: Any) -> Conversation:
    """Over the network where there is no *transport*; *ours* are settings of our adapter."""
    clock = ManualClock()
    theirs.now = lambda: clock.now().timestamp()
    settings = {"scopes": ("openid", "email"), "register_prompt": False, **ours}
    adapter = OpenIdProvider(
        issuer=theirs.issuer,
        client_id=theirs.client_id,
        client_secret=theirs.client_secret,
        clock=clock,
        transport=transport,
        **settings,
    )
    return Conversation(clock, theirs, adapter)
