"""A list in statements, one for each form of query.

A page after a position is found by key: it costs what the first page costs, wherever it is. The forms that were asked
for last are kept; a caller cannot fill the memory with others.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Integer, Select, Table, bindparam, func, select

from adapters.sql.base import columns_of, folded_beside
from adapters.sql.queries.comparisons import Predicate, compared
from adapters.sql.queries.positions import Sorted, beyond
from adapters.sql.statements import Reading, Rows, Statement
from domain.model.queries import Fields, Filter, Operator, Page, Query, Sort

T = TypeVar("T")
Term = tuple[str, Operator, bool | None]
"""A filter without its value, which is bound; ``isnull`` binds none, and is two different terms."""
KEPT = 256


class Listing:
    """*rows* and their *count*. A field is a column, a column of another make or a predicate, by its name in *columns*.

    What depends on the time does so by the parameter ``now``.
    """

    def __init__(
        self,
        rows: Select[Any],
        count: Select[int],
        *,
        columns: Mapping[str, ColumnElement[Any] | Predicate],
        tie: Column[Any],
    ) -> None:
        self._rows = rows
        self._counted = count
        self._columns = columns
        self._tie = tie
        self._page = lru_cache(KEPT)(self._page_statement)
        self._count = lru_cache(KEPT)(self._count_statement)

    @classmethod
    def of(
        cls,
        table: Table,
        fields: Fields,
        *filters: ColumnElement[bool],
        others: Mapping[str, ColumnElement[Any] | Predicate] | None = None,
    ) -> "Listing":
        """Whole rows of *table* that pass the *filters*, whose parameters are given to `page`.

        *others* are the fields that are no column of it.
        """
        columns = {name: table.c[name] for name in fields if name in table.c}
        return cls(
            select(*columns_of(table)).where(*filters),
            select(func.count(table.c.id)).where(*filters),
            columns={**columns, **(others or {})},
            tie=table.c.id,
        )

    async def page(
        self, connection: Reading, query: Query, item: Callable[[tuple[Any, ...]], T], **values: Any
    ) -> Page[T]:
        rows, total = await self.rows(connection, query, **values)
        return query.page(list(map(item, rows)), total)

    async def rows(self, connection: Reading, query: Query, **values: Any) -> tuple[Rows, int | None]:
        """One more than the limit where the list goes on; and how many match, unless it goes on after a position."""
        terms = tuple(map(_term, query.filters))
        values.update((f"filter_{n}", asked.value) for n, asked in enumerate(query.filters) if _is_bound(asked))
        if query.is_dated:
            values["now"] = query.now
        if query.after is not None:
            place = (*query.after.values, query.after.id)
            page = self._page(query.sorting, terms, tuple(value is None for value in place))
            passed = {f"after_{n}": value for n, value in enumerate(place) if value is not None}
            return await connection.fetch(page, limit=query.limit + 1, **values, **passed), None
        page = self._page(query.sorting, terms, None)
        rows = await connection.fetch(page, limit=query.limit + 1, offset=query.offset, **values)
        [(total,)] = await connection.fetch(self._count(terms), **values)
        return rows, total

    def _page_statement(
        self, sorting: tuple[Sort, ...], terms: tuple[Term, ...], missing: tuple[bool, ...] | None
    ) -> Statement:
        """*missing* says which values of the position are; without a position there is an offset."""
        sorts = [Sorted(self._sortable(sort.field), sort.descending) for sort in sorting]
        sorts.append(Sorted(self._tie, sorting[-1].descending))
        rows = self._rows.where(*self._predicates(terms)).order_by(*(sort.direction for sort in sorts))
        rows = rows.limit(bindparam("limit", type_=Integer))
        if missing is None:
            return Statement(rows.offset(bindparam("offset", type_=Integer)))
        return Statement(rows.where(beyond(sorts, missing)))

    def _count_statement(self, terms: tuple[Term, ...]) -> Statement:
        return Statement(self._counted.where(*self._predicates(terms)))

    def _sortable(self, name: str) -> Column[Any]:
        if not isinstance(column := self._columns[name], Column):
            raise TypeError(f"{name} is no column to sort by")
        return column

    def _predicates(self, terms: tuple[Term, ...]) -> list[ColumnElement[bool]]:
        return [self._predicate(f"filter_{number}", *term) for number, term in enumerate(terms)]

    def _predicate(self, key: str, name: str, asked: Operator, missing: bool | None) -> ColumnElement[bool]:
        column, several = self._columns[name], asked is Operator.IN
        if not isinstance(column, ColumnElement):
            return column(asked, bindparam(key, expanding=several))
        if missing is not None:
            return column.is_(None) if missing else column.is_not(None)
        if asked is Operator.CONTAINS:
            column = folded_beside(column)
        return compared(column, asked, bindparam(key, type_=column.type, expanding=several))


def _term(asked: Filter) -> Term:
    return asked.field.name, asked.operator, None if _is_bound(asked) else asked.value


def _is_bound(asked: Filter) -> bool:
    return asked.operator is not Operator.ISNULL
