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

    @classmethod
    def whole(cls, data: Iterable[V]) -> "ListView[V]":
        """A list that is never longer than a page."""
        views = tuple(data)
        return cls(total=len(views), data=views, limit=LIMIT_MAX, offset=0)


def listing(sorts: Iterable[str]) -> dict[str, Any]:
    """What a list's query may hold, for the handler's ``opt`` beside its door."""
    term = f"({'|'.join(sorts)})(:(asc|desc))?"
    return {
        "parameters": [
            parameter("limit", type="integer", minimum=1, maximum=LIMIT_MAX, default=DEFAULT_LIMIT),
            parameter("offset", type="integer", minimum=0, maximum=999_999_999, default=0),
            parameter("sorting", type="string", pattern=f"^{term}(,{term}){{0,3}}$", default="created_at:desc"),
        ]
    }


def trail_parameters(*filters: dict[str, Any]) -> dict[str, Any]:
    """What the query of a list that is read by cursor only may hold."""
    limit = parameter("limit", type="integer", minimum=1, maximum=LIMIT_MAX, default=DEFAULT_LIMIT)
    return {"parameters": [limit, parameter("cursor", type="string", maxLength=1024), *filters]}


def switches(*names: str) -> dict[str, Any]:
    """What is said by ``name=true`` in a query."""
    return {"parameters": [parameter(name, type="boolean", default=False) for name in names]}


def parameter(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def list_query(request: Request[Any, Any, Any]) -> Query:
    """``limit=50&offset=0&sorting=created_at:desc,name``. Raises Invalid naming the parameter that is wrong."""
    given = query_in(request)
    return Query(
        limit=_number(given, "limit", DEFAULT_LIMIT),
        offset=_number(given, "offset", 0),
        sorting=_sorting(given["sorting"]) if "sorting" in given else NEWEST_FIRST,
    )


def query_in(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The query, of names that the route declared."""
    given: dict[str, str] = request.scope["state"].get("query", {})
    return given


def limit_in(given: dict[str, str]) -> int:
    """Raises Invalid."""
    return Query(limit=_number(given, "limit", DEFAULT_LIMIT)).limit


def flag(request: Request[Any, Any, Any], name: str) -> bool:
    """Raises Invalid."""
    word = query_in(request).get(name, "false")
    if word not in ("true", "false"):
        raise Invalid(name, "is true or false")
    return word == "true"


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
