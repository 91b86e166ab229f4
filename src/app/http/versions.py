"""Strong entity tags: the version of what was read."""

import re
from typing import Any

from litestar import Request, Response

from app.http.views import ViewResponse

_TAG = re.compile(r'"([1-9][0-9]{0,17})"')
_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"\s*(?:,\s*(?:W/)?"[^"]*"\s*)*')


def tag(version: int) -> str:
    return f'"{version}"'


def expected_versions(request: Request[Any, Any, Any]) -> frozenset[int] | None:
    """The versions that ``If-Match`` names; None where it is absent or ``*``. One that is garbled matches nothing."""
    sent = _sent(request, b"if-match")
    if sent is None or sent.strip() == "*":
        return None
    return _versions(sent, weak=False)


def tagged(request: Request[Any, Any, Any], view: Any, version: int, **answer: Any) -> Response[Any]:
    """*view* with its tag; 304 and no body where the caller's ``If-None-Match`` names it."""
    sent = _sent(request, b"if-none-match")
    if request.method == "GET" and sent and (sent.strip() == "*" or version in _versions(sent, weak=True)):
        return Response(None, status_code=304, headers={"etag": tag(version)})
    return versioned(view, version, **answer)


def versioned(view: Any, version: int, **answer: Any) -> Response[Any]:
    """*view* with its tag for ``If-Match``, never 304: it also shows what changes while the version stays."""
    return ViewResponse(view, headers={"etag": tag(version), **answer.pop("headers", {})}, **answer)


def _sent(request: Request[Any, Any, Any], name: bytes) -> str | None:
    """The whole list, which may come on several lines (RFC 9110, 5.3)."""
    lines = [value for field, value in request.scope["headers"] if field == name]
    return b", ".join(lines).decode("latin-1") if lines else None


def _versions(sent: str, *, weak: bool) -> frozenset[int]:
    """The versions in a list of tags; a weak tag counts for reads only (RFC 9110, 13.1)."""
    if _TAGS.fullmatch(sent) is None:
        return frozenset()
    tags = (text.strip() for text in sent.split(","))
    named = (_TAG.fullmatch(text.removeprefix("W/") if weak else text) for text in tags)
    return frozenset(int(match[1]) for match in named if match)
