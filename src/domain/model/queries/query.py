from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from domain.errors import Invalid
from domain.model.queries.fields import NEWEST_FIRST, Fields, Filter, Sort

T = TypeVar("T")
V = TypeVar("V")

DEFAULT_LIMIT = 50
LIMIT_MAX = 200
OFFSET_MAX = 2**31 - 1
SORTS_MAX = 4


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a sorted list: of an item its *values*, one for each way of sorting, and its *id*."""

    values: tuple[Any, ...]
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of a list: from an *offset*, or what comes *after* a position, whatever came and went before it.

    All *filters* hold. Equal rows are ordered by id, in the direction of the last *sorting*. Text sorts by code point
    and a missing value before every other, on every storage. *now* is when what depends on the time is judged.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    sorting: tuple[Sort, ...] = NEWEST_FIRST
    filters: tuple[Filter, ...] = ()
    after: Position | None = None
    now: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT_MAX:
            raise Invalid("limit", f"is a whole number from 1 to {LIMIT_MAX}")
        if not 0 <= self.offset <= OFFSET_MAX:
            raise Invalid("offset", f"is a whole number from 0 to {OFFSET_MAX}")
        if not 1 <= len(self.sorting) <= SORTS_MAX:
            raise Invalid("sorting", f"names 1 to {SORTS_MAX} fields")
        if self.after is not None and (self.offset or len(self.after.values) != len(self.sorting)):
            raise Invalid("cursor", "goes on by the same sorting and without an offset")

    def within(self, fields: Fields) -> "Query":
        """This query, proved to ask nothing but of *fields*, and to sort by each once. Raises Invalid naming them."""
        sorts = [sort.field for sort in self.sorting]
        if not set(sorts) <= set(fields.sorts):
            raise Invalid("sorting", f"knows {', '.join(fields.sorts)}")
        if len(set(sorts)) < len(sorts):
            raise Invalid("sorting", "names each field once")
        if any(fields.get(asked.field.name) is not asked.field for asked in self.filters):
            raise Invalid("filters", f"know {', '.join(fields)}")
        return self

    @property
    def is_dated(self) -> bool:
        """Whether it depends on *now*."""
        return any(asked.field.judged is not None for asked in self.filters)

    def matches(self, item: Any) -> bool:
        return all(asked.matches(item, self.now) for asked in self.filters)

    def position_of(self, item: Any) -> Position:
        return Position(tuple(getattr(item, sort.field) for sort in self.sorting), item.id)

    def page(self, found: Sequence[T], total: int | None) -> "Page[T]":
        """*found* is one more than the limit where the list goes on."""
        shown = tuple(found[: self.limit])
        return Page(shown, total, self.position_of(shown[-1]) if len(found) > self.limit else None)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """*total* counts every row that matches, on this page or not; None where a list goes on after a position.

    *next* is the position of its last item, None at the end.
    """

    items: tuple[T, ...]
    total: int | None
    next: Position | None = None

    def map(self, change: Callable[[T], V]) -> "Page[V]":
        return Page(tuple(map(change, self.items)), self.total, self.next)
