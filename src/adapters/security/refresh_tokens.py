"""Refresh tokens: ``hkr_<43 digits><checksum>``, and the seal that lets an honest client ask twice."""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security.checked_tokens import digest_of, minted
from adapters.security.roots import RootSecrets
from domain.ports.security import MintedToken

_HEAD = "hkr_"
_NONCE = 12
_TAG = 16


class SealedRefreshTokens:
    """A seal is AES-256-GCM under a key made of the root secret and the presented token: neither the rows alone,
    nor the rows and the root secret, open it. A dropped root secret closes its seals for good.
    """

    def __init__(self, roots: RootSecrets) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("seal"))

    def mint(self) -> MintedToken:
        return minted(_HEAD)

    def digest(self, plain: str) -> bytes | None:
        return digest_of(plain, head=_HEAD)

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


def _cipher(pepper: bytes, presented: str) -> AESGCM:
    return AESGCM(hmac.digest(pepper, presented.encode(), "sha256"))
