"""Whether a browser was told to send this request by a page of ours (OWASP's Fetch Metadata policy, and a token)."""

from collections.abc import Iterable, Mapping
from hmac import compare_digest

from app.http.errors import CsrfFailed

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Fields = Iterable[tuple[bytes, bytes]]


def require_same_origin(headers: Mapping[bytes, bytes], public_url: str) -> None:
    """By what the browser says of the sender, where it says anything. Raises CsrfFailed."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        if site != b"same-origin":
            raise CsrfFailed("the request comes from another site")
    elif origin is not None and origin != public_url.encode():
        raise CsrfFailed("the request comes from another origin")


def doubled_token(headers: Mapping[bytes, bytes], cookie: str | None) -> str:
    """The token, sent as a header and as a cookie; whose it is must still be asked. Raises CsrfFailed."""
    token = headers.get(b"x-csrf-token", b"")
    if not token or cookie is None or not compare_digest(token, cookie.encode("latin-1")):
        raise CsrfFailed
    return token.decode("latin-1")
