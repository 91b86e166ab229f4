"""A domain `Query` in SQL: columns from a fixed map, never a name that came from outside."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Integer, Select, Table, bindparam, func, select

from adapters.sql.statements import Reading, Statement
from domain.model.queries import Page, Query, Sort

T = TypeVar("T")


class Listing:
    """The page and its count, two statements; a page is made once for each way of sorting."""

    def __init__(
        self, rows: Select[Any], count: Select[int], *, sorts: Mapping[str, Column[Any]], tie: Column[Any]
    ) -> None:
        self._rows = rows
        self._count = Statement(count)
        self._sorts = sorts
        self._tie = tie
        self._pages: dict[tuple[Sort, ...], Statement] = {}

    @classmethod
    def of(cls, table: Table, *filters: ColumnElement[bool], sorts: Mapping[str, Column[Any]]) -> "Listing":
        """Whole rows of *table* that pass the *filters*, whose parameters are given to `page`."""
        count = select(func.count(table.c.id)).where(*filters)
        return cls(select(table).where(*filters), count, sorts=sorts, tie=table.c.id)

    async def page(
        self, connection: Reading, query: Query, item: Callable[[tuple[Any, ...]], T], **values: Any
    ) -> Page[T]:
        statement = self._sorted(query.sorting)
        rows = await connection.fetch(statement, limit=query.limit, offset=query.offset, **values)
        [(total,)] = await connection.fetch(self._count, **values)
        return Page(tuple(map(item, rows)), total)

    def _sorted(self, sorting: tuple[Sort, ...]) -> Statement:
        if sorting not in self._pages:
            order = [_directed(self._sorts[sort.field], sort.descending) for sort in sorting]
            order.append(_directed(self._tie, sorting[-1].descending))
            limit, offset = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
            self._pages[sorting] = Statement(self._rows.order_by(*order).limit(limit).offset(offset))
        return self._pages[sorting]


def _directed(column: Column[Any], descending: bool) -> ColumnElement[Any]:
    """A missing value comes before every other, on both databases."""
    if not column.nullable:
        return column.desc() if descending else column.asc()
    return column.desc().nulls_last() if descending else column.asc().nulls_first()
