from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, TypeVar

from domain.model.queries import Page, Position, Query

T = TypeVar("T")
Rank = tuple[Any, ...]


def page_of(rows: Iterable[T], query: Query) -> Page[T]:
    """The part of *rows* that *query* asks for, in the order that SQL would give."""
    found = [row for row in rows if query.matches(row)]
    found.sort(key=attrgetter("id"), reverse=query.sorting[-1].descending)
    for sort in reversed(query.sorting):
        found.sort(key=_rank_by(sort.field), reverse=sort.descending)
    if query.after is not None:
        return query.page([row for row in found if _is_after(row, query.after, query)], None)
    return query.page(found[query.offset : query.offset + query.limit + 1], len(found))


def _is_after(row: Any, place: Position, query: Query) -> bool:
    for sort, value in zip(query.sorting, place.values, strict=True):
        if (found := _rank(getattr(row, sort.field))) != (passed := _rank(value)):
            return (found < passed) is sort.descending
    return row.id != place.id and (row.id < place.id) is query.sorting[-1].descending


def _rank_by(field: str) -> Callable[[Any], Rank]:
    value_of = attrgetter(field)
    return lambda row: _rank(value_of(row))


def _rank(value: Any) -> Rank:
    """What is missing comes first."""
    return () if value is None else (value,)
