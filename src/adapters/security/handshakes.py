"""What takes a browser to a provider of identities and back: 256 random bits that travel, and 256 that stay."""

import hmac
import secrets
from hashlib import sha256

from adapters.security import base64url
from domain.ports.identity_providers import Handshake

_BYTES = 32


class HmacHandshakes:
    """Nonce and verifier are HMAC-SHA-256 under the cookie. So whoever sees the state, or both halves of what a
    provider is told, still lacks them; and no root secret has a part in it.
    """

    def begin(self) -> Handshake:
        return _handshake(secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES))

    def resume(self, state: str, cookie: str) -> Handshake | None:
        kept, key = base64url.decode(state), base64url.decode(cookie)
        if kept is None or key is None or (len(kept), len(key)) != (_BYTES, _BYTES):
            return None
        return _handshake(kept, key)


def _handshake(state: bytes, cookie: bytes) -> Handshake:
    verifier = _derived(cookie, b"verifier", state)
    return Handshake(
        state=base64url.encode(state),
        cookie=base64url.encode(cookie),
        nonce=_derived(cookie, b"nonce", state),
        verifier=verifier,
        challenge=base64url.encode(sha256(verifier.encode()).digest()),
        digest=sha256(b"".join(len(half).to_bytes(4, "big") + half for half in (state, cookie))).digest(),
    )


def _derived(cookie: bytes, label: bytes, state: bytes) -> str:
    return base64url.encode(hmac.digest(cookie, label + state, "sha256"))
