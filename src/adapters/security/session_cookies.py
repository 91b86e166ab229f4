"""Session cookies: ``hks_<session id><43 digits><checksum>``, and the token that goes with each."""

import hmac
from functools import lru_cache
from uuid import UUID

from adapters.security import base64url
from adapters.security.base62 import UUID_WIDTH, decode, encode, is_uuid
from adapters.security.checked_tokens import digest_of, minted
from adapters.security.roots import RootSecrets
from domain.model.ids import SessionId
from domain.model.presented import PresentedSession
from domain.ports.security import MintedToken

_HEAD = "hks_"


@lru_cache(4096)
def _session_id(digits: str) -> SessionId:
    """No secret, so it may be kept."""
    return SessionId(UUID(int=decode(digits)))


class OpaqueSessionCookies:
    """The token against forged requests is an HMAC-SHA-256 over the session's id and the cookie's digest.

    So it is good with that very cookie only, even where a neighbouring host can plant cookies, and tells nothing of it.
    """

    def __init__(self, roots: RootSecrets) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("csrf"))

    def mint(self, session_id: SessionId) -> MintedToken:
        return minted(_HEAD + encode(session_id.int, UUID_WIDTH))

    def read(self, plain: str) -> PresentedSession | None:
        head = plain[: len(_HEAD) + UUID_WIDTH]
        id_digits = head.removeprefix(_HEAD)
        if id_digits == head or not is_uuid(id_digits):
            return None
        digest = digest_of(plain, head=head)
        return PresentedSession(_session_id(id_digits), digest) if digest else None

    def csrf_token(self, presented: PresentedSession) -> str:
        return _token(self._peppers[0], presented)

    def is_csrf_token(self, token: str, presented: PresentedSession) -> bool:
        if not token.isascii():
            return False
        return any(hmac.compare_digest(token, _token(pepper, presented)) for pepper in self._peppers)


def _token(pepper: bytes, presented: PresentedSession) -> str:
    return base64url.encode(hmac.digest(pepper, presented.session_id.bytes + presented.digest, "sha256"))
