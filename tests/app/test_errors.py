"""Every refusal has a status, a code and one shape."""

import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request, get
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.params import FromPath
from litestar.testing import TestClient

from app.http import errors as edge_errors
from app.http.errors import (
    MalformedRequest,
    MultipleCredentials,
    NotReady,
    Refusal,
    UnsupportedGrantType,
    status_of,
)
from app.http.problems import ExceptionHandler, exception_handlers, grant_handlers
from domain import errors
from domain.errors import DomainError, FieldProblem, Invalid, PermissionDenied, QuotaExceeded, Unavailable


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def asked(error: Exception, handlers: dict[type[Exception], ExceptionHandler] = exception_handlers) -> Any:
    """The answer of a service whose one route raises *error*."""

    @get("/v1/things/{name:str}", exception_handlers=handlers)
    async def thing(request: Request[Any, Any, Any], name: FromPath[str]) -> None:
        request.scope["state"]["request_id"] = "r-1"
        raise error

    with TestClient(Litestar([thing], openapi_config=None), raise_server_exceptions=False) as client:
        return client.get("/v1/things/a")


@pytest.mark.parametrize("kind", [*subclasses(DomainError)], ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_domain_has_a_status(kind: type[DomainError]) -> None:
    assert status_of(kind) in {400, 401, 403, 404, 409, 412, 422, 429, 503}


def test_every_refusal_of_the_edge_has_a_code_and_a_status_of_its_own() -> None:
    kinds = [*subclasses(Refusal)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(400 <= kind.status < 500 for kind in kinds)


def test_a_problem_has_the_members_of_the_contract() -> None:
    answer = asked(errors.ProjectNameTaken())
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:hexkey:problem:project_name_taken",
        "title": "Project name taken",
        "status": 409,
        "detail": "another project of the same owner has this name",
        "instance": "/v1/things/a",
        "code": "project_name_taken",
        "request_id": "r-1",
    }
    assert answer.status_code == 409


def test_input_is_pointed_at() -> None:
    problem = asked(Invalid("limits/0", "is no limit", FieldProblem("name", "is too long"))).json()
    assert problem["errors"] == [
        {"pointer": "/limits/0", "detail": "is no limit"},
        {"pointer": "/name", "detail": "is too long"},
    ]


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (errors.Unauthenticated(), 'Bearer realm="hexkey"'),
        (errors.InvalidCredential(), 'Bearer realm="hexkey", error="invalid_token"'),
        (errors.KeyRevoked(), 'Bearer realm="hexkey", error="invalid_token"'),
        (errors.KeyExpired(), 'Bearer realm="hexkey", error="invalid_token"'),
        (errors.KeySuspended(), 'Bearer realm="hexkey", error="invalid_token"'),
        (PermissionDenied(["a:b"]), 'Bearer realm="hexkey", error="insufficient_scope"'),
    ],
)
def test_who_may_not_enter_is_challenged(error: DomainError, challenge: str) -> None:
    answer = asked(error)
    assert (answer.json()["code"], answer.headers["www-authenticate"]) == (error.code, challenge)


def test_missing_permissions_are_named() -> None:
    assert asked(PermissionDenied(["b:x", "a:x"])).json()["missing_permissions"] == ["a:x", "b:x"]


def test_too_many_requests_say_when_to_come_back() -> None:
    answer = asked(QuotaExceeded(42))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "42")
    assert answer.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"


def test_an_unavailable_service_says_when_to_come_back() -> None:
    answer = asked(Unavailable(retry_after=3))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "3")


def test_what_is_not_ready_is_named() -> None:
    problem = asked(NotReady({"database": "ok", "schema": "failed"})).json()
    assert (problem["checks"], problem["detail"]) == ({"database": "ok", "schema": "failed"}, "not ready: schema")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (MultipleCredentials(), 400, "multiple_credentials"),
        (HTTPException(status_code=400, detail="hk_secret"), 400, "malformed_request"),
        (ValidationException("hk_secret"), 422, "invalid_input"),
        (NotAuthorizedException("hk_secret"), 401, "unauthenticated"),
        (PermissionDeniedException("hk_secret"), 403, "forbidden"),
        (NotFoundException("hk_secret"), 404, "not_found"),
        (HTTPException(status_code=413, detail="hk_secret"), 413, "body_too_large"),
        (HTTPException(status_code=415, detail="hk_secret"), 415, "unsupported_media_type"),
        (TooManyRequestsException("hk_secret"), 429, "quota_exceeded"),
        (HTTPException(status_code=418, detail="hk_secret"), 500, "internal_error"),
        (msgspec.ValidationError("Invalid enum value 'hk_secret' - at `$.kind`"), 422, "invalid_input"),
        (msgspec.ValidationError("Expected `str`, got `int` - at `key in `$.metadata``"), 422, "invalid_input"),
        (RuntimeError("hk_secret"), 500, "internal_error"),
    ],
)
def test_errors_that_are_not_the_domains_get_our_codes_and_say_nothing_of_theirs(
    error: Exception, status: int, code: str
) -> None:
    answer = asked(error)
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert "hk_secret" not in answer.text


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the service logs; the framework's logging set-up takes pytest's own handler away."""
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign]
    logging.getLogger("hexkey").addHandler(handler)
    yield kept
    logging.getLogger("hexkey").removeHandler(handler)


def test_only_an_unexpected_error_is_logged_and_once(records: list[logging.LogRecord]) -> None:
    asked(errors.NotFound())
    asked(RuntimeError("boom"))
    assert [record.__dict__["request_id"] for record in records] == ["r-1"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidCredential(), "invalid_grant"),
        (Invalid("username", 'is "odd" \\ é'), "invalid_request"),
        (MalformedRequest(), "invalid_request"),
        (UnsupportedGrantType(), "unsupported_grant_type"),
    ],
)
def test_what_the_token_route_decides_is_answered_as_oauth_does(error: Exception, code: str) -> None:
    answer = asked(error, grant_handlers)
    assert (answer.status_code, answer.json()["error"], answer.headers["cache-control"]) == (400, code, "no-store")
    assert not set(answer.json()["error_description"]) & set('"\\é')


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QuotaExceeded(1), 429),
        (Unavailable(), 503),
        (edge_errors.UnsupportedMediaType(), 415),
        (edge_errors.BodyTooLarge(), 413),
        (RuntimeError(), 500),
    ],
)
def test_everything_else_on_an_oauth_route_is_a_problem(error: Exception, status: int) -> None:
    answer = asked(error, grant_handlers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
