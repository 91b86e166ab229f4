"""Which credential a request presents."""

from collections.abc import Iterable

from app.http.cookies import cookie_in
from app.http.errors import MultipleCredentials
from app.settings import Secret
from domain.errors import InvalidCredential, Unauthenticated

_CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie"})


def credential_in(headers: Iterable[tuple[bytes, bytes]], session_name: str) -> tuple[str, bytes]:
    """The one credential among *headers*, and the name of the field that it came in: ``X-API-Key`` is for keys, and of
    the cookies the one called *session_name* counts.

    Raises Unauthenticated without any, MultipleCredentials with several, InvalidCredential for another scheme.
    """
    sent = [(name, value) for name, value in headers if name in _CREDENTIALS]
    cookies = [field for field in sent if field[0] == b"cookie"]
    if cookies:
        cookie = cookie_in(cookies, session_name)
        sent = [field for field in sent if field[0] != b"cookie"]
        if cookie is not None:
            sent.append((b"cookie", cookie.encode("latin-1")))
    if not sent:
        raise Unauthenticated
    if len(sent) > 1:
        raise MultipleCredentials
    name, value = sent[0]
    if name == b"authorization":
        scheme, _, value = value.partition(b" ")
        if scheme.lower() != b"bearer":
            raise InvalidCredential
    return value.strip().decode("latin-1"), name


def require_bearer(headers: Iterable[tuple[bytes, bytes]], session_name: str, token: Secret) -> None:
    """Raises as `credential_in` does, and InvalidCredential for any other than *token*, in constant time."""
    credential, name = credential_in(headers, session_name)
    if name != b"authorization" or Secret(credential) != token:
        raise InvalidCredential
