"""A token as it travels (RFC 7515, the compact form): whose it is, and what it says."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from jwt import InvalidTokenError, PyJWS
from jwt.utils import base64url_decode

from adapters.oidc import documents
from adapters.oidc.discovery import Discovery
from adapters.oidc.kept import Kept
from adapters.oidc.keys import ALGORITHMS, Key, KeySet
from domain.errors import OidcRefused

_LONGEST: Final = 64 * 1024
_BRINGS_ITS_OWN: Final = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64"})
"""Where a token says itself how it is to be read, and with what key."""


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    typ: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    algorithm: str
    members: dict[str, Any] = field(repr=False)


class Signatures:
    def __init__(self, discovery: Kept[Discovery], keys: Kept[KeySet]) -> None:
        self._discovery = discovery
        self._keys = keys

    async def open(self, token: str, *, name: str, types: Collection[str]) -> Opened:
        """What the provider signed under one of *types*, in lower case, or under none.

        Raises OidcRefused, in which the token is called *name*, and Unavailable.
        """
        header = _header(token, name)
        if header.typ is not None and header.typ.lower() not in types:
            raise OidcRefused(f"the {name} is a token of another kind")
        if header.alg not in ALGORITHMS or header.alg not in (await self._discovery.get()).algorithms:
            raise OidcRefused(f"the {name} is signed in a way that is not accepted")
        key = await self._key(header, name)
        try:
            return Opened(header.alg, documents.members(_signed(token, key, header.alg)))
        except InvalidTokenError:
            raise OidcRefused(f"the signature of the {name} is not the provider's") from None
        except ValueError:
            raise OidcRefused(f"the {name} cannot be read") from None

    async def _key(self, header: _Header, name: str) -> Key:
        key = (await self._keys.get()).find(header.kid, header.alg)
        if key is None:
            key = (await self._keys.renewed()).find(header.kid, header.alg)
        if key is None:
            raise OidcRefused(f"the {name} is signed with a key that the provider does not publish")
        return key


def _header(token: str, name: str) -> _Header:
    """Not proved yet. Raises OidcRefused."""
    try:
        if len(token) > _LONGEST or token.count(".") != 2:
            raise ValueError("it is no signed token")
        found = documents.members(base64url_decode(token.partition(".")[0]))
        if None in found.values():
            raise ValueError("it has a member that says nothing")
        header = documents.convert(found, _Header)
    except ValueError:
        raise OidcRefused(f"the {name} cannot be read") from None
    if not _BRINGS_ITS_OWN.isdisjoint(found):
        raise OidcRefused(f"the {name} brings its own key or its own rules")
    return header


def _signed(token: str, key: Key, algorithm: str) -> bytes:
    """What is returned was signed with *key* by *algorithm*, and nothing else. Raises InvalidTokenError."""
    jws = PyJWS(algorithms=[algorithm])
    payload: bytes = jws.decode(token, key.public, [algorithm])
    return payload
