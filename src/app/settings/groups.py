"""The settings whose names hold a name: ``HEXKEY_OIDC__<NAME>__…`` and ``HEXKEY_WEBHOOK_SECRET__<SOURCE>``."""

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from app.settings.environment import Environment
from app.settings.parsers import listed, secret, switch, text
from app.settings.problems import Problem, Wrong
from app.settings.secret import Secret
from app.settings.urls import issuer

OIDC: Final = "HEXKEY_OIDC__"
WEBHOOK: Final = "HEXKEY_WEBHOOK_SECRET__"
_MEMBER = re.compile(rf"{OIDC}([A-Z0-9]+(?:_[A-Z0-9]+)*)__[A-Z_]+")
_SOURCE = re.compile(rf"{WEBHOOK}([A-Z0-9]+(?:_[A-Z0-9]+)*?)(?:_FILE)?")


class OidcProvider(msgspec.Struct, frozen=True):
    """A provider of identities; without a *client_secret* the client is public."""

    issuer: str
    client_id: str
    client_secret: Secret | None
    scopes: tuple[str, ...]
    register_prompt: bool


def providers(environment: Environment) -> Mapping[str, OidcProvider]:
    """By name in lower case; one that lacks a member is left out and its problem noted."""
    names = _names(environment, OIDC, _MEMBER)
    found = {name.lower(): _provider(environment, f"{OIDC}{name}__") for name in names}
    return MappingProxyType({name: provider for name, provider in found.items() if provider is not None})


def webhook_secrets(environment: Environment) -> Mapping[str, tuple[Secret, ...]]:
    """By source in lower case; several secrets hold during a rotation."""
    names = _names(environment, WEBHOOK, _SOURCE)
    found = {
        name.lower(): environment.read(f"{WEBHOOK}{name}", listed(_webhook_secret), None, secret=True) for name in names
    }
    return MappingProxyType({name: secrets for name, secrets in found.items() if secrets is not None})


def _webhook_secret(value: str) -> Secret:
    """After ``whsec_`` stand 24 to 64 bytes in base64, as Standard Webhooks 1.0 has it."""
    if value.startswith("whsec_"):
        try:
            length = len(base64.b64decode(value.removeprefix("whsec_"), validate=True))
        except binascii.Error:
            length = 0
        if not 24 <= length <= 64:
            raise Wrong("is not base64 of 24 to 64 bytes after whsec_", "copy all of what the source shows")
    return secret(value)


def _names(environment: Environment, prefix: str, shape: re.Pattern[str]) -> list[str]:
    matches = (shape.fullmatch(name) for name in environment.unread(prefix))
    return sorted({match[1] for match in matches if match is not None})


def _provider(environment: Environment, prefix: str) -> OidcProvider | None:
    for name in {f"{prefix}ISSUER", f"{prefix}CLIENT_ID"} - set(environment.unread(prefix)):
        environment.problems.append(Problem(name, "is missing", "set it, or remove the provider's other variables"))
    address = environment.read(f"{prefix}ISSUER", issuer, None)
    client_id = environment.read(f"{prefix}CLIENT_ID", text, None)
    client_secret = environment.read(f"{prefix}CLIENT_SECRET", secret, None, secret=True)
    scopes = environment.read(f"{prefix}SCOPES", _scopes, ("openid", "email", "profile"))
    prompt = environment.read(f"{prefix}REGISTER_PROMPT", switch, False)
    if address is None or client_id is None:
        return None
    return OidcProvider(address, client_id, client_secret, scopes, prompt)


def _scopes(value: str) -> tuple[str, ...]:
    scopes = tuple(value.split())
    if "openid" not in scopes:
        raise Wrong("lacks the scope openid", "write words between spaces, openid among them")
    return scopes
