"""A request of ours is the framework's, made in fewer steps."""

from typing import Any

import pytest
from litestar import Request
from litestar.connection import ASGIConnection

from app.http.bodies import GuardedRequest

SCOPE: dict[str, Any] = {
    "type": "http",
    "path": "/v1/me",
    "raw_path": b"/v1/me",
    "root_path": "",
    "query_string": b"a=1&a=2",
    "headers": [(b"accept", b"text/plain"), (b"cookie", b"a=b"), (b"content-type", b"text/plain; charset=utf-8")],
    "method": "GET",
    "scheme": "http",
    "server": ("127.0.0.1", 8000),
    "extensions": None,
}
SLOTS = {*ASGIConnection.__slots__, *Request.__slots__} - {"_connection_state", "scope", "receive", "send"}


@pytest.mark.parametrize("slot", sorted(SLOTS))
def test_what_was_not_asked_for_yet_is_as_the_framework_begins_it(slot: str) -> None:
    theirs: Request[Any, Any, Any] = Request({**SCOPE, "state": {}})  # type: ignore[arg-type]
    assert getattr(GuardedRequest({**SCOPE, "state": {}}), slot) == getattr(theirs, slot)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", ["headers", "cookies", "query_params", "url", "base_url", "content_type"])
def test_what_is_asked_for_is_what_the_framework_tells_and_one_requests_own(asked: str) -> None:
    for more in ({}, {"path": "/other", "query_string": b"", "headers": [(b"host", b"127.0.0.1")]}):
        ours, theirs = (
            kind({**SCOPE, **more, "state": {}})  # type: ignore[arg-type]
            for kind in (GuardedRequest, Request[Any, Any, Any])
        )
        for _ in range(2):
            assert repr(getattr(ours, asked)) == repr(getattr(theirs, asked))
