"""Session cookies: ``hks_<session id><43 digits><checksum>``, and the token that goes with each."""

import hmac
from hashlib import sha256
from uuid import UUID

from adapters.security import base64url
from adapters.security.base62 import UUID_WIDTH, decode, encode, is_uuid
from adapters.security.checked_tokens import TOKEN_WIDTH, digest_of, minted
from adapters.security.roots import RootSecrets
from domain.model.ids import SessionId
from domain.model.presented import PresentedSession
from domain.ports.security import MintedToken

_HEAD = "hks_"
_LENGTH = len(_HEAD) + UUID_WIDTH + TOKEN_WIDTH
_READ_MAX = 10_000


class OpaqueSessionCookies:
    """The token against forged requests is an HMAC-SHA-256 over the session's id and the cookie's digest.

    So it is good with that very cookie only, even where a neighbouring host can plant cookies, and tells nothing of it.
    """

    def __init__(self, roots: RootSecrets) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("csrf"))
        self._read: dict[bytes, SessionId] = {}

    def mint(self, session_id: SessionId) -> MintedToken:
        return minted(_HEAD + encode(session_id.int, UUID_WIDTH))

    def read(self, plain: str) -> PresentedSession | None:
        """The form of one that was read before is known by its digest."""
        if len(plain) != _LENGTH or not plain.startswith(_HEAD) or not plain.isascii():
            return None
        digest = sha256(plain.encode()).digest()
        if (session_id := self._read.get(digest)) is None:
            head = plain[: len(_HEAD) + UUID_WIDTH]
            if not is_uuid(id_digits := head.removeprefix(_HEAD)) or digest_of(plain, head=head) is None:
                return None
            session_id = SessionId(UUID(int=decode(id_digits)))
            self._keep(digest, session_id)
        return PresentedSession(session_id, digest)

    def _keep(self, digest: bytes, session_id: SessionId) -> None:
        """The oldest goes when there are too many."""
        self._read[digest] = session_id
        if len(self._read) > _READ_MAX:
            del self._read[next(iter(self._read))]

    def csrf_token(self, presented: PresentedSession) -> str:
        return _token(self._peppers[0], presented)

    def is_csrf_token(self, token: str, presented: PresentedSession) -> bool:
        if not token.isascii():
            return False
        return any(hmac.compare_digest(token, _token(pepper, presented)) for pepper in self._peppers)


def _token(pepper: bytes, presented: PresentedSession) -> str:
    return base64url.encode(hmac.digest(pepper, presented.session_id.bytes + presented.digest, "sha256"))
