"""Cursors: ``<place>.<signature>``, both base64url; the signature is an HMAC-SHA-256 cut to 128 bits."""

import hmac

from adapters.security import base64url
from adapters.security.roots import RootSecrets

_SIGNATURE = 16


class SignedCursors:
    def __init__(self, roots: RootSecrets) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("cursor"))

    def sign(self, place: str, *, of: str) -> str:
        raw = _bytes(place)
        return f"{base64url.encode(raw)}.{base64url.encode(_signature(self._peppers[0], raw, of))}"

    def read(self, cursor: str, *, of: str) -> str | None:
        place, _, signature = map(base64url.decode, cursor.partition("."))
        if place is None or signature is None:
            return None
        if not any(hmac.compare_digest(signature, _signature(pepper, place, of)) for pepper in self._peppers):
            return None
        return place.decode("utf-8", "surrogatepass")


def _signature(pepper: bytes, place: bytes, of: str) -> bytes:
    """Each with its length before it: else what one loses at its end the other could gain at its beginning."""
    signed = b"".join(len(part).to_bytes(4, "big") + part for part in (_bytes(of), place))
    return hmac.digest(pepper, signed, "sha256")[:_SIGNATURE]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
