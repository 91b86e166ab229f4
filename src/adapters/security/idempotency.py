"""Idempotency keys: AES-256-GCM under HKDF of the root secret and the key; bodies by HMAC-SHA-256."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.security.roots import RootSecrets

_NONCE = 12
_TAG = 16


class AesIdempotencySeals:
    """Neither the rows alone, nor the rows and the root secret, open a seal: the key itself is kept nowhere."""

    def __init__(self, roots: RootSecrets) -> None:
        self._bodies = tuple(pepper.key for pepper in roots.peppers("idempotency-body"))
        self._seals = tuple(pepper.key for pepper in roots.peppers("idempotency-seal"))

    def digest(self, credential: str, operation: str, key: str) -> bytes:
        """Each with its length before it: else what one loses at its end the next could gain at its beginning."""
        parts = (part.encode() for part in (credential, operation, key))
        return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()

    def fingerprint(self, body: bytes, *, of: bytes) -> bytes:
        return hmac.digest(self._bodies[0], of + body, "sha256")

    def is_fingerprint(self, fingerprint: bytes, body: bytes, *, of: bytes) -> bool:
        return any(hmac.compare_digest(fingerprint, hmac.digest(key, of + body, "sha256")) for key in self._bodies)

    def seal(self, content: bytes, *, key: str, of: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + _cipher(self._seals[0], key).encrypt(nonce, content, of)

    def unseal(self, sealed: bytes, *, key: str, of: bytes) -> bytes | None:
        if len(sealed) < _NONCE + _TAG:
            return None
        for pepper in self._seals:
            try:
                return _cipher(pepper, key).decrypt(sealed[:_NONCE], sealed[_NONCE:], of)
            except InvalidTag:
                continue
        return None


def _cipher(pepper: bytes, key: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=key.encode()).derive(pepper))
