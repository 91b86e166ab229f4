"""What a provider signs with (RFC 7517), and which of its keys a token names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from adapters.oidc import documents
from adapters.oidc.calls import Calls
from domain.errors import Unavailable

ALGORITHMS: Final = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""All that we accept, each with the one kind of key it goes with: no public key is ever taken for a shared secret."""
_LOADERS: Final[dict[str, tuple[Callable[[dict[str, Any]], Any], tuple[str, ...]]]] = {
    "RSA": (RSAAlgorithm.from_jwk, ("kty", "n", "e")),
    "EC": (ECAlgorithm.from_jwk, ("kty", "crv", "x", "y")),
    "OKP": (OKPAlgorithm.from_jwk, ("kty", "crv", "x")),
}
"""Only the members of a public key are looked at."""
_RSA_BITS: Final = range(2048, 8192 + 1)
_MOST: Final = 100


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    alg: str | None = None
    crv: str | None = None

    @property
    def is_for_signatures(self) -> bool:
        return self.use in {None, "sig"} and (self.key_ops is None or "verify" in self.key_ops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    id: str | None
    kind: tuple[str, str | None]
    algorithm: str | None
    public: Any = field(repr=False)

    def goes_with(self, algorithm: str) -> bool:
        return ALGORITHMS[algorithm] == self.kind and self.algorithm in {None, algorithm}


class KeySet(tuple[Key, ...]):
    __slots__ = ()

    def find(self, id: str | None, algorithm: str) -> Key | None:
        """The one key that is meant; a token without an *id* means the only one that goes with its algorithm."""
        meant = [key for key in self if key.goes_with(algorithm) and (id is None or key.id == id)]
        return meant[0] if len(meant) == 1 else None


async def fetch_keys(calls: Calls, url: str) -> KeySet:
    """Those of them that we understand, as RFC 7517 wants it. Raises Unavailable."""
    found = (await calls.get(url)).read(_KeySet).keys
    if len(found) > _MOST:
        raise Unavailable("the identity provider has more keys than anybody needs")
    return KeySet(key for key in map(_key, found) if key is not None)


def _key(members: dict[str, Any]) -> Key | None:
    try:
        jwk = documents.convert(members, _Jwk)
        kind = (jwk.kty, None if jwk.kty == "RSA" else jwk.crv)
        if kind not in ALGORITHMS.values() or not jwk.is_for_signatures:
            return None
        public = _public(members, jwk.kty)
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return Key(id=jwk.kid, kind=kind, algorithm=jwk.alg, public=public)


def _public(members: dict[str, Any], kty: str) -> Any:
    """Raises InvalidKeyError, ValueError, TypeError."""
    load, names = _LOADERS[kty]
    if any(len(members[name]) > 2048 for name in names if name in members):
        raise ValueError("it is longer than any key")
    public = load({name: members[name] for name in names if name in members})
    if isinstance(public, RSAPublicKey) and public.key_size not in _RSA_BITS:
        raise ValueError("it is too short or too long")
    return public
