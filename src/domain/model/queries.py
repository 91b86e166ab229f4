"""What a list is asked for, and what it answers."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import Invalid

T = TypeVar("T")

DEFAULT_LIMIT = 50
LIMIT_MAX = 200
OFFSET_MAX = 2**31 - 1
SORTS_MAX = 4


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool = False


NEWEST_FIRST = (Sort("created_at", descending=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of a list. Equal rows are ordered by id, in the direction of the last *sorting*.

    Text sorts by code point and a missing value before every other, on every storage.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    sorting: tuple[Sort, ...] = NEWEST_FIRST

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT_MAX:
            raise Invalid("limit", f"is a whole number from 1 to {LIMIT_MAX}")
        if not 0 <= self.offset <= OFFSET_MAX:
            raise Invalid("offset", f"is a whole number from 0 to {OFFSET_MAX}")
        if not 1 <= len(self.sorting) <= SORTS_MAX:
            raise Invalid("sorting", f"names 1 to {SORTS_MAX} fields")

    def sorted_by(self, allowed: Collection[str]) -> "Query":
        """This query, proved to sort by *allowed* fields only, each once. Raises Invalid naming them."""
        fields = [sort.field for sort in self.sorting]
        if not set(fields) <= set(allowed):
            raise Invalid("sorting", f"knows {', '.join(sorted(allowed))}")
        if len(set(fields)) < len(fields):
            raise Invalid("sorting", "names each field once")
        return self


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """*total* counts every row that the caller may see, on this page or not."""

    items: tuple[T, ...]
    total: int
