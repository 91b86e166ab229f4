from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, TypeVar

from domain.model.queries import Page, Query

T = TypeVar("T")


def page_of(rows: Iterable[T], query: Query) -> Page[T]:
    """The part of *rows* that *query* asks for, in the order that SQL would give."""
    ordered = sorted(rows, key=attrgetter("id"), reverse=query.sorting[-1].descending)
    for sort in reversed(query.sorting):
        ordered.sort(key=_none_first(sort.field), reverse=sort.descending)
    return Page(tuple(ordered[query.offset : query.offset + query.limit]), len(ordered))


def _none_first(field: str) -> Callable[[Any], tuple[Any, ...]]:
    value_of = attrgetter(field)

    def rank(row: Any) -> tuple[Any, ...]:
        value = value_of(row)
        return () if value is None else (value,)

    return rank
