"""The errand on which a browser is sent to a provider of identities."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from domain.errors import Invalid
from domain.model.ids import SessionId, UserId

AUTHORIZATION_LIFETIME = timedelta(minutes=10)
"""How long a browser may take to come back."""

RETURN_TO_LIMIT = 1024
_DECODINGS = 8
_WRITTEN = re.compile(rf"/[!-\[\]-~]{{0,{RETURN_TO_LIMIT - 1}}}")
_READ = re.compile(r"/[^\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A browser was sent to a provider and is expected back, once.

    *digest* is that of its state and its cookie together. Where an identity is to be linked, *user_id* is to whom, and
    *session_id* who asked for it.
    """

    digest: bytes = field(repr=False)
    provider: str
    return_to: str
    user_id: UserId | None = None
    session_id: SessionId | None = None
    expires_at: datetime

    def is_live(self, *, now: datetime) -> bool:
        return now < self.expires_at


def return_path(raw: str, field: str = "return_to") -> str:
    """*raw*, where a browser may be sent afterwards: a path of ours, with a query and a fragment perhaps.

    It is judged as it is and as often as it can be percent-decoded, since a browser, a proxy and a page may each do
    that once more. Raises Invalid.
    """
    text = raw if _WRITTEN.fullmatch(raw) else ""
    for _ in range(_DECODINGS):
        if not _is_own_path(text):
            break
        if (decoded := unquote(text)) == text:
            return raw
        text = decoded
    raise Invalid(field, "is a path of this service, such as /projects?page=2, in ASCII, of at most 1024 characters")


def _is_own_path(text: str) -> bool:
    """No other host, however a browser reads it: no scheme, no ``//``, no backslash and no control."""
    path = re.split("[?#]", text, maxsplit=1)[0]
    return _READ.fullmatch(text) is not None and "//" not in path and not {".", ".."} & set(path.split("/"))
