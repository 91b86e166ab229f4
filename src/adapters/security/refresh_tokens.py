"""Refresh tokens: ``hkr_<43 digits><checksum>``, and the seal that lets an honest client ask twice."""

import hmac
import os
import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security.base62 import CHECKSUM_WIDTH, checked, encode, is_checked, is_digits
from adapters.security.roots import RootSecrets
from domain.ports.security import MintedToken

_HEAD = "hkr_"
_BITS = 256
_WIDTH = 43
_MAX = encode(2**_BITS - 1, _WIDTH)
_LENGTH = len(_HEAD) + _WIDTH + CHECKSUM_WIDTH
_NONCE = 12
_TAG = 16


class SealedRefreshTokens:
    """The digest is plain SHA-256, for 256 random bits need no pepper: so sessions outlive a change of secrets.

    A seal is AES-256-GCM under a key made of the root secret and the presented token: neither the rows alone,
    nor the rows and the root secret, open it. A dropped root secret closes its seals for good.
    """

    def __init__(self, roots: RootSecrets) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("seal"))

    def mint(self) -> MintedToken:
        plain = checked(_HEAD + encode(secrets.randbits(_BITS), _WIDTH))
        return MintedToken(plain, sha256(plain.encode()).digest())

    def digest(self, plain: str) -> bytes | None:
        return sha256(plain.encode()).digest() if _is_ours(plain) else None

    def seal(self, successor: str, *, presented: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + _cipher(self._peppers[0], presented).encrypt(nonce, successor.encode(), None)

    def unseal(self, sealed: bytes, *, presented: str) -> str | None:
        if len(sealed) < _NONCE + _TAG:
            return None
        for pepper in self._peppers:
            try:
                return _cipher(pepper, presented).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
            except InvalidTag:
                continue
        return None


def _is_ours(plain: str) -> bool:
    digits = plain[len(_HEAD) :]
    return (
        len(plain) == _LENGTH
        and plain.startswith(_HEAD)
        and is_digits(digits)
        and digits[:_WIDTH] <= _MAX
        and is_checked(plain)
    )


def _cipher(pepper: bytes, presented: str) -> AESGCM:
    return AESGCM(hmac.digest(pepper, presented.encode(), "sha256"))
