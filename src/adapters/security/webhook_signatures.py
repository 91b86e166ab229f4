"""Signatures of webhooks that come in: GitHub's own, and those of Standard Webhooks 1.0.

A source called ``github`` signs as GitHub does; every other one as Standard Webhooks says.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping

from domain.errors import Unauthenticated
from domain.model.webhooks import Signed
from domain.ports.system import Clock

TOLERANCE = 300
SIGNATURES_MAX = 16
_ID = re.compile(r"[!-~]{1,255}")
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")
Scheme = Callable[[tuple[bytes, ...], Mapping[str, str], bytes], Signed | None]


class HmacWebhookSignatures:
    """*secrets* are those of each source, several during a rotation; ``whsec_`` stands before base64.

    Raises ValueError, which names the source and not the secret, for one that is not base64 after ``whsec_``.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]], *, clock: Clock) -> None:
        self._secrets = {source: tuple(_key(source, secret) for secret in given) for source, given in secrets.items()}
        self._clock = clock

    def knows(self, source: str) -> bool:
        return bool(self._secrets.get(source))

    def read(self, source: str, headers: Mapping[str, str], body: bytes) -> Signed | None:
        """Raises Unauthenticated without a signature."""
        scheme: Scheme = self._github if source == "github" else self._standard
        return scheme(self._secrets.get(source, ()), headers, body)

    def _github(self, keys: tuple[bytes, ...], headers: Mapping[str, str], body: bytes) -> Signed | None:
        if (sent := headers.get("x-hub-signature-256")) is None:
            raise Unauthenticated
        delivery_id, event = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
        expected = [b"sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest().encode() for key in keys]
        named = _ID.fullmatch(delivery_id) and _ID.fullmatch(event)
        if not _is_one([sent.encode("latin-1")], expected) or not named:
            return None
        return Signed(delivery_id, event, hashlib.sha256(body).digest())

    def _standard(self, keys: tuple[bytes, ...], headers: Mapping[str, str], body: bytes) -> Signed | None:
        """An id with a dot in it could be read as the beginning of another message."""
        if (sent := headers.get("webhook-signature")) is None:
            raise Unauthenticated
        delivery_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if _ID.fullmatch(delivery_id) is None or "." in delivery_id or not self._is_fresh(timestamp):
            return None
        content = f"{delivery_id}.{timestamp}.".encode() + body
        expected = [b"v1," + base64.b64encode(hmac.digest(key, content, "sha256")) for key in keys]
        signatures = sent.encode("latin-1").split(b" ")
        return Signed(delivery_id, None) if _is_one(signatures[:SIGNATURES_MAX], expected) else None

    def _is_fresh(self, timestamp: str) -> bool:
        if _TIMESTAMP.fullmatch(timestamp) is None:
            return False
        return abs(self._clock.now().timestamp() - int(timestamp)) <= TOLERANCE


def _is_one(sent: list[bytes], expected: list[bytes]) -> bool:
    """Each is compared with each, whatever has been found by then."""
    return sum(hmac.compare_digest(one, other) for one in sent for other in expected) > 0


def _key(source: str, secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret of the webhook source {source} is not base64 after whsec_") from None
