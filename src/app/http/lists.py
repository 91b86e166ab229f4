"""A list's query string, and what a list answers."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request

from domain.errors import Invalid
from domain.model.queries import DEFAULT_LIMIT, LIMIT_MAX, NEWEST_FIRST, Page, Query, Sort

T = TypeVar("T")
V = TypeVar("V")

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_SORTING = re.compile(r"[a-z_]{1,32}(:(asc|desc))?(,[a-z_]{1,32}(:(asc|desc))?){0,3}")


class ListView(msgspec.Struct, Generic[V], frozen=True):
    """A page, and how many there are in all."""

    total: int
    data: tuple[V, ...]
    limit: int
    offset: int

    @classmethod
    def of(cls, page: Page[T], query: Query, view: Callable[[T], V]) -> "ListView[V]":
        return cls(total=page.total, data=tuple(map(view, page.items)), limit=query.limit, offset=query.offset)


def listing(sorts: Iterable[str]) -> dict[str, Any]:
    """What a list's query may hold, for the handler's ``opt`` beside its door."""
    term = f"({'|'.join(sorts)})(:(asc|desc))?"
    return {
        "parameters": [
            _parameter("limit", type="integer", minimum=1, maximum=LIMIT_MAX, default=DEFAULT_LIMIT),
            _parameter("offset", type="integer", minimum=0, maximum=999_999_999, default=0),
            _parameter("sorting", type="string", pattern=f"^{term}(,{term}){{0,3}}$", default="created_at:desc"),
        ]
    }


def _parameter(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def list_query(request: Request[Any, Any, Any]) -> Query:
    """``limit=50&offset=0&sorting=created_at:desc,name``. Raises Invalid naming the parameter that is wrong."""
    given: dict[str, str] = request.scope["state"].get("query", {})
    return Query(
        limit=_number(given, "limit", DEFAULT_LIMIT),
        offset=_number(given, "offset", 0),
        sorting=_sorting(given["sorting"]) if "sorting" in given else NEWEST_FIRST,
    )


def _number(given: dict[str, str], name: str, default: int) -> int:
    if name not in given:
        return default
    if _NUMBER.fullmatch(given[name]) is None:
        raise Invalid(name, "is a whole number")
    return int(given[name])


def _sorting(raw: str) -> tuple[Sort, ...]:
    if _SORTING.fullmatch(raw) is None:
        raise Invalid("sorting", "is a list such as created_at:desc,name")
    terms = (term.partition(":") for term in raw.split(","))
    return tuple(Sort(field, descending=direction == "desc") for field, _, direction in terms)
