"""A list's query string, read strictly; the door has refused the names that the route does not declare."""

import re
from dataclasses import replace
from typing import Any

from litestar import Request

from app.http.lists.cursors import list_of, position_in
from app.http.lists.parameters import CURSOR_MAX, filters_of
from domain.errors import Invalid
from domain.model.queries import DEFAULT_LIMIT, Fields, Filter, Operator, Query, Sort

Given = dict[str, str]

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_SORTING = re.compile(r"[a-z_]{1,32}(:(asc|desc))?(,[a-z_]{1,32}(:(asc|desc))?){0,3}")


def list_query(request: Request[Any, Any, Any], fields: Fields) -> Query:
    """``limit=50&offset=0&sorting=created_at:desc,name&name[contains]=box``, in any of its ways of saying it.

    Raises Invalid naming the parameter that is wrong.
    """
    given = query_in(request)
    query = Query(
        limit=_number(given, "limit", DEFAULT_LIMIT),
        offset=_offset(given),
        sorting=_sorting(given, fields),
        filters=_filters(given, fields),
    ).within(fields)
    if "cursor" not in given:
        return query
    if passed := {"offset", "skip"} & given.keys():
        raise Invalid(min(passed), "has no meaning beside a cursor")
    if not 1 <= len(given["cursor"]) <= CURSOR_MAX:
        raise Invalid("cursor", f"has 1 to {CURSOR_MAX} characters")
    after = position_in(given["cursor"], query, fields, request.app.state.cursors, of=list_of(request))
    return replace(query, after=after)


def query_in(request: Request[Any, Any, Any]) -> Given:
    """The query, of names that the route declared."""
    given: Given = request.scope["state"].get("query", {})
    return given


def limit_in(given: Given) -> int:
    """Raises Invalid."""
    return Query(limit=_number(given, "limit", DEFAULT_LIMIT)).limit


def flag(request: Request[Any, Any, Any], name: str) -> bool:
    """Raises Invalid."""
    word = query_in(request).get(name, "false")
    if word not in ("true", "false"):
        raise Invalid(name, "is true or false")
    return word == "true"


def _number(given: Given, name: str, default: int) -> int:
    if name not in given:
        return default
    if _NUMBER.fullmatch(given[name]) is None:
        raise Invalid(name, "is a whole number")
    return int(given[name])


def _offset(given: Given) -> int:
    """``skip`` is another word for it."""
    if "skip" not in given:
        return _number(given, "offset", 0)
    if "offset" in given:
        raise Invalid("skip", "is given instead of offset, not beside it")
    return _number(given, "skip", 0)


def _sorting(given: Given, fields: Fields) -> tuple[Sort, ...]:
    """``sort_by=name&order=desc`` is another way of saying ``sorting=name:desc``."""
    if "order" in given and "sort_by" not in given:
        raise Invalid("order", "is the direction of sort_by, and given beside it")
    if "sort_by" in given:
        return (_sort_by(given),)
    if "sorting" not in given:
        return fields.usual
    if _SORTING.fullmatch(given["sorting"]) is None:
        raise Invalid("sorting", "is a list such as created_at:desc,name")
    terms = (term.partition(":") for term in given["sorting"].split(","))
    return tuple(Sort(field, descending=direction == "desc") for field, _, direction in terms)


def _sort_by(given: Given) -> Sort:
    if "sorting" in given:
        raise Invalid("sort_by", "is given instead of sorting, not beside it")
    if (direction := given.get("order", "asc")) not in ("asc", "desc"):
        raise Invalid("order", "is asc or desc")
    return Sort(given["sort_by"], descending=direction == "desc")


def _filters(given: Given, fields: Fields) -> tuple[Filter, ...]:
    if not given:
        return ()
    named = filters_of(fields)
    asked = [field.filter(operator, given[name], name) for name, (field, operator) in named.items() if name in given]
    if "filter_key" in given or "value" in given:
        asked.append(_filter_by(given, fields))
    return tuple(asked)


def _filter_by(given: Given, fields: Fields) -> Filter:
    """``filter_key=name&value=alpha`` is another way of saying ``name=alpha``."""
    for name, other in (("filter_key", "value"), ("value", "filter_key")):
        if name not in given:
            raise Invalid(name, f"is given beside {other}")
    if (field := fields.get(given["filter_key"])) is None:
        raise Invalid("filter_key", f"knows {', '.join(fields)}")
    return field.filter(Operator.EQ, given["value"], "value")
