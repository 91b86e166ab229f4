"""Every error that leaves the service, as ``application/problem+json`` (RFC 9457).

The framework's errors are first translated into ours; what is nobody's refusal is a 500 that says only its request id.
The OAuth routes answer what they themselves decide in OAuth's shape, and everything else in this one.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from app.http.errors import (
    BodyTooLarge,
    MalformedRequest,
    MethodNotAllowed,
    NotReady,
    Refusal,
    UnsupportedGrantType,
    UnsupportedMediaType,
    status_of,
)
from domain.errors import (
    FieldProblem,
    Forbidden,
    Invalid,
    InvalidCredential,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)

logger = logging.getLogger("hexkey")

PROBLEM_JSON = "application/problem+json"
CHALLENGE = 'Bearer realm="hexkey"'
QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"

UNEXPECTED = "the service failed; its log says why under this request id"

ExceptionHandler = Callable[[Request[Any, Any, Any], Exception], Response[Any]]


class InputProblem(msgspec.Struct, frozen=True):
    """*pointer* is a JSON pointer into the body, or the name of a query parameter after a slash."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: tuple[InputProblem, ...] = ()
    missing_permissions: tuple[str, ...] = ()
    checks: dict[str, str] = {}


class OAuthError(msgspec.Struct, frozen=True):
    """The body of RFC 6749, section 5.2."""

    error: str
    error_description: str


FRAMEWORK: dict[int, Callable[[HTTPException], Exception]] = {
    400: lambda _: MalformedRequest(),
    401: lambda _: Unauthenticated(),
    403: lambda _: Forbidden(),
    404: lambda _: NotFound(),
    405: lambda error: MethodNotAllowed(methods_in(error)),
    413: lambda _: BodyTooLarge(),
    415: lambda _: UnsupportedMediaType(),
    429: lambda _: QuotaExceeded(1),
    503: lambda _: Unavailable(),
}
"""How an error of the framework is called here; one that is not named is ours to mend: 500."""


def methods_in(error: HTTPException) -> tuple[str, ...]:
    """The methods in the framework's own ``Allow``, with the HEAD that it forgets."""
    methods = set((error.headers or {}).get("allow", "").split(", ")) - {""}
    return tuple(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def translated(error: Exception) -> Exception:
    """The same refusal in our words; anything that is no refusal is returned as it is."""
    if isinstance(error, ValidationException):
        return _missing(error)
    if isinstance(error, HTTPException) and error.status_code in FRAMEWORK:
        return FRAMEWORK[error.status_code](error)
    if isinstance(error, msgspec.ValidationError):
        return invalid_input(error)
    return error


def _missing(error: ValidationException) -> Invalid:
    """The framework could not call the handler: a declared argument is absent or of another type."""
    extra = error.extra if isinstance(error.extra, list) else []
    names = [str(item.get("key", "")) for item in extra if isinstance(item, dict)]
    if not names or "data" in names:
        return Invalid("", "a body is required")
    return Invalid(*_argument(names[0]), *(FieldProblem(*_argument(name)) for name in names[1:]))


def _argument(name: str) -> tuple[str, str]:
    return name, "is missing or not of the declared type"


def invalid_input(error: msgspec.ValidationError) -> Invalid:
    """msgspec's sentence without the values and member names that the caller sent."""
    message, _, path = str(error).partition(" - at `")
    field = path.rstrip("`").removeprefix("key in `").removeprefix("$").replace("[...]", "").lstrip(".")
    field = field.replace("[", "/").replace("]", "").replace(".", "/").lstrip("/")
    if message.startswith("Object missing required field"):
        member = message.split("`")[1]
        return Invalid(f"{field}/{member}".lstrip("/"), "is required")
    if message.startswith("Object contains unknown field"):
        return Invalid(field, "has a member that is not known here")
    if message.startswith(("Invalid enum value", "Invalid value")):
        return Invalid(field, "is not one of the allowed values")
    return Invalid(field, message[:1].lower() + message[1:].replace("`", ""))


def problem_of(error: Exception, *, instance: str, request_id: str) -> Problem:
    """What the caller reads about *error*, which is a refusal; of anything else only that it happened."""
    status, code = status_of(error), code_of(error)
    return Problem(
        type=QUOTA_EXCEEDED if status == 429 else f"urn:hexkey:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=UNEXPECTED if status == 500 else sentence_of(error),
        instance=instance,
        code=code,
        request_id=request_id,
        errors=tuple(InputProblem(pointer(p.field), p.detail) for p in problems_in(error)),
        missing_permissions=error.missing if isinstance(error, PermissionDenied) else (),
        checks=error.checks if isinstance(error, NotReady) else {},
    )


def code_of(error: Exception) -> str:
    """What *error* is called: one of a few names that are written in the code."""
    refusal = translated(error)
    code: str = "internal_error" if status_of(refusal) == 500 else getattr(refusal, "code", "internal_error")
    return code


def problems_in(error: Exception) -> tuple[FieldProblem, ...]:
    return error.problems if isinstance(error, Invalid) else ()


def sentence_of(error: Exception) -> str:
    said = [f"{p.field}: {p.detail}" if p.field else p.detail for p in problems_in(error)]
    return "; ".join(said) or str(error)


def pointer(field: str) -> str:
    return f"/{field}" if field else ""


def headers_of(error: Exception) -> dict[str, str]:
    """What stands beside the body: the challenge, the methods, when to come back."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = (
            CHALLENGE if type(error) is Unauthenticated else f'{CHALLENGE}, error="invalid_token"'
        )
    elif isinstance(error, PermissionDenied):
        headers["www-authenticate"] = f'{CHALLENGE}, error="insufficient_scope"'
    elif isinstance(error, QuotaExceeded | Unavailable):
        headers["retry-after"] = str(error.retry_after)
    elif isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    elif isinstance(error, Refusal) and error.closes:
        headers["connection"] = "close"
    return headers


def problem_answer(error: Exception, *, instance: str, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for *error*; one that nobody declared is logged here, once."""
    error = translated(error)
    problem = problem_of(error, instance=instance, request_id=request_id)
    if problem.status == 500:
        logger.error("unexpected error", exc_info=error, extra={"request_id": request_id})
    return problem.status, headers_of(error), msgspec.json.encode(problem)


def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    state = request.scope["state"]
    request_id, state["refused"] = state.get("request_id", ""), code_of(error)
    status, headers, body = problem_answer(error, instance=request.scope["path"], request_id=request_id)
    return Response(body, status_code=status, headers=headers, media_type=PROBLEM_JSON)


OAUTH: dict[type[Exception], str] = {
    Invalid: "invalid_request",
    MalformedRequest: "invalid_request",
    UnsupportedGrantType: "unsupported_grant_type",
}


def oauth_error(codes: Mapping[type[Exception], str]) -> ExceptionHandler:
    """A handler that answers what *codes* names as OAuth does, and all else as everywhere."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        refusal = translated(error)
        code = next((codes[base] for base in type(refusal).__mro__ if base in codes), None)
        if code is None:
            return to_problem(request, error)
        request.scope["state"]["refused"] = code
        body = OAuthError(
            code, sentence_of(refusal).encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
        )
        return Response(body, status_code=400, headers={"cache-control": "no-store"})

    return handle


exception_handlers: dict[int | type[Exception], ExceptionHandler] = {Exception: to_problem}
"""For the application: every error of every route."""

oauth_handlers: dict[int | type[Exception], ExceptionHandler] = {Exception: oauth_error(OAUTH)}
"""For ``/revoke`` and ``/introspect``."""

grant_handlers: dict[int | type[Exception], ExceptionHandler] = {
    Exception: oauth_error({**OAUTH, InvalidCredential: "invalid_grant"}),
}
"""For ``/token``, which has no door: the credential in the form is the grant."""
