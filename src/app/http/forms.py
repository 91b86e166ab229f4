"""``name=value&name=value``, in a query string or a form body, read strictly."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from app.http.errors import MalformedRequest
from domain.errors import Invalid

BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
MAX_PAIRS = 256
MAX_ESCAPES = 8192


def percent_decoded(raw: bytes) -> str:
    """*raw* without its escapes; ``MalformedRequest`` unless that is UTF-8 without NUL."""
    if b"%" in raw:
        if BROKEN_ESCAPE.search(raw):
            raise MalformedRequest("a percent sign begins an escape of two hexadecimal digits")
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedRequest("names and values are UTF-8") from None
    if "\0" in text:
        raise MalformedRequest("names and values hold no NUL character")
    return text


def pairs_of(raw: bytes) -> list[tuple[str, str]]:
    """The pairs in *raw*, in order; a pair without ``=`` has an empty value."""
    parts = raw.replace(b"+", b" ").split(b"&", MAX_PAIRS)
    if len(parts) > MAX_PAIRS:
        raise MalformedRequest(f"there are more than {MAX_PAIRS} parameters")
    split = (part.partition(b"=") for part in parts if part)
    return [(percent_decoded(name), percent_decoded(value)) for name, _, value in split]


def form_of(body: bytes) -> dict[str, str]:
    """The form in *body*; OAuth refuses a repeated name and takes an empty value for none (RFC 6749, section 3.2)."""
    if body.count(b"%") > MAX_ESCAPES:
        raise MalformedRequest(f"there are more than {MAX_ESCAPES} escapes")
    pairs = pairs_of(body)
    if len(dict(pairs)) != len(pairs):
        raise MalformedRequest("the form names a parameter twice")
    return {name: value for name, value in pairs if value}


def query_of(scope: Mapping[str, Any], *, allowed: Collection[str] | None) -> dict[str, str]:
    """The query of a request; ``Invalid`` for a repeated name and for one that is not *allowed*; None is any."""
    if not (raw := scope["query_string"]):
        return {}
    query: dict[str, str] = {}
    for name, value in pairs_of(raw):
        if allowed is not None and name not in allowed:
            raise Invalid("query", _knows(allowed))
        if name in query:
            raise Invalid(name, "is given more than once")
        query[name] = value
    return query


def _knows(allowed: Collection[str]) -> str:
    return f"may only hold {', '.join(allowed)}" if allowed else "takes no parameters"
