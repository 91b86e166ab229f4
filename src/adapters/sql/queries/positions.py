"""Order, and what comes after a place in it; a missing value comes before every other, on both databases."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Column, ColumnElement, and_, bindparam, false, or_, true, tuple_


class Sorted(NamedTuple):
    """One column that rows are sorted by."""

    column: Column[Any]
    descending: bool

    @property
    def direction(self) -> ColumnElement[Any]:
        up, down = self.column.asc(), self.column.desc()
        if not self.column.nullable:
            return down if self.descending else up
        return down.nulls_last() if self.descending else up.nulls_first()


class _Place(NamedTuple):
    """A value that was passed in the order of one column; None is one that is missing."""

    column: Column[Any]
    descending: bool
    value: BindParameter[Any] | None

    @property
    def level(self) -> ColumnElement[bool]:
        return self.column.is_(None) if self.value is None else self.column == self.value

    @property
    def beyond(self) -> ColumnElement[bool]:
        if self.value is None:
            return false() if self.descending else self.column.is_not(None)
        if not self.descending:
            return self.column > self.value
        lower = self.column < self.value
        return or_(lower, self.column.is_(None)) if self.column.nullable else lower

    @property
    def reached(self) -> ColumnElement[bool]:
        """Level or beyond, where an index can tell: it says nothing of what may be missing."""
        if self.value is None or self.column.nullable:
            return true()
        return self.column <= self.value if self.descending else self.column >= self.value


def beyond(sorts: Sequence[Sorted], missing: Sequence[bool]) -> ColumnElement[bool]:
    """What comes after the values ``after_0``, ``after_1`` …, of which those that are *missing* have no parameter.

    Where one comparison of rows says it, it is that one: an index leads straight there.
    """
    places = [_place(number, *sort, missing[number]) for number, sort in enumerate(sorts)]
    first = places[0]
    if all(place.descending is first.descending and not place.column.nullable for place in places):
        here, there = tuple_(*(place.column for place in places)), tuple_(*(place.value for place in places))
        return here < there if first.descending else here > there
    ways = (and_(*(place.level for place in places[:n]), places[n].beyond) for n in range(len(places)))
    return and_(first.reached, or_(*ways))


def _place(number: int, column: Column[Any], descending: bool, missing: bool) -> _Place:
    return _Place(column, descending, None if missing else bindparam(f"after_{number}", type_=column.type))
