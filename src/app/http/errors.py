"""What HTTP itself refuses, and the status of every refusal there is.

Refusal
├── MalformedRequest           the bytes are not what the format asks for; the sentence names the rule
├── MultipleCredentials
├── HostNotAllowed
├── UnsupportedGrantType       of the OAuth token route
├── CsrfFailed
├── MethodNotAllowed
├── HeadersTooSlow
├── BodyTooSlow
├── BodyTooLarge
├── UrlTooLong
├── UnsupportedMediaType
└── HeadersTooLarge

A ``DomainError`` keeps its code and takes the status of its category, here and nowhere else.
"""

from collections.abc import Mapping
from typing import ClassVar

from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    Refused,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[DomainError], int] = {
    Invalid: 422,
    Refused: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    QuotaExceeded: 429,
    Unavailable: 503,
}


class Refusal(Exception):
    """What HTTP itself refuses, before or beside the domain."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "malformed_request"
    sentence: ClassVar[str] = "the request is malformed"
    closes: ClassVar[bool] = False
    """Whether the connection ends with the answer, because the rest of the request is not worth reading."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.sentence)


class MalformedRequest(Refusal):
    pass


class MultipleCredentials(Refusal):
    code = "multiple_credentials"
    sentence = "send one credential: Authorization, X-API-Key or the session cookie"


class HostNotAllowed(Refusal):
    code = "host_not_allowed"
    sentence = "this service does not answer under that host name"


class UnsupportedGrantType(Refusal):
    code = "unsupported_grant_type"
    sentence = "this grant type is not offered"


class CsrfFailed(Refusal):
    status = 403
    code = "csrf_failed"
    sentence = "with the session cookie, send X-CSRF-Token as the CSRF cookie has it"


class MethodNotAllowed(Refusal):
    """*allowed* are the methods that the path does take."""

    status = 405
    code = "method_not_allowed"
    sentence = "this path does not take that method"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__()
        self.allowed = allowed


class HeadersTooSlow(Refusal):
    status = 408
    code = "headers_too_slow"
    sentence = "the headers did not arrive in time"


class BodyTooSlow(Refusal):
    status = 408
    code = "body_too_slow"
    sentence = "the body did not arrive in time"
    closes = True


class BodyTooLarge(Refusal):
    status = 413
    code = "body_too_large"
    sentence = "a body has at most 1 MiB"
    closes = True


class UrlTooLong(Refusal):
    status = 414
    code = "url_too_long"
    sentence = "a URL has at most 8 KiB"


class UnsupportedMediaType(Refusal):
    status = 415
    code = "unsupported_media_type"
    sentence = "a body is application/json in UTF-8"


class HeadersTooLarge(Refusal):
    status = 431
    code = "headers_too_large"
    sentence = "a request has at most 100 header fields and 32 KiB of them"


class NotReady(Unavailable):
    """*checks* says of each thing we stand on whether it is ``ok``, ``failed``, or ``degraded``: one can do without."""

    def __init__(self, checks: Mapping[str, str]) -> None:
        self.checks = dict(checks)
        super().__init__(f"not ready: {', '.join(name for name, state in checks.items() if state == 'failed')}")


def status_of(error: Exception | type[Exception]) -> int:
    """The status that *error* is answered with; 500 for what nobody declared."""
    kind = error if isinstance(error, type) else type(error)
    if issubclass(kind, Refusal):
        return kind.status
    return next((STATUS[base] for base in kind.__mro__ if base in STATUS), 500)
