"""Random questions to a list: each asks for what its items hold, or for something close to it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from domain.model.queries import (
    Choice,
    Field,
    Fields,
    Filter,
    Flag,
    Id,
    Instant,
    Members,
    Operator,
    Position,
    Query,
    Sort,
    Text,
)
from tests.support.examples import HOSTILE_TEXTS

UNTOUCHED = ("%", "_", "\\", "'", "ß", "SS", "İ", "i̇", "Σ", "ς", "ﬀ", "e\u0301", "é", "\u0345", "\U0010ffff", " ", "a")
"""Texts that somebody's comparison, pattern or folding has tripped over."""


class Asker:
    """Asks of *items*; whatever it draws comes from *random*."""

    def __init__(self, random: Random, fields: Fields, items: Sequence[Any], *, now: datetime) -> None:
        self._random = random
        self._fields = fields
        self.items = items
        self._now = now

    def query(self) -> Query:
        random = self._random
        names = random.sample(self._fields.sorts, random.randint(1, len(self._fields.sorts)))
        sorting = tuple(Sort(name, random.random() < 0.5) for name in names)
        asked = Query(limit=random.choice((1, 2, 3, 200)), sorting=sorting, filters=self._filters(), now=self._now)
        if self.items and random.random() < 0.5:
            return replace(asked, after=self._place(asked))
        return replace(asked, offset=random.choice((0, 0, 0, 1, 3)))

    def alike(self, query: Query) -> Query:
        """Of the same form as *query*, with other values."""
        filters = tuple(self._filter(asked.field, asked.operator) for asked in query.filters)
        return replace(query, filters=filters, after=query.after and self._place(query))

    def filter(self, field: Field, operator: Operator) -> Filter:
        return self._filter(field, operator)

    def _filters(self) -> tuple[Filter, ...]:
        fields = [self._fields[name] for name in self._fields]
        some = self._random.choices(fields, k=self._random.choice((0, 1, 1, 2, 3)))
        return tuple(self._filter(field, self._random.choice(field.operators)) for field in some)

    def _filter(self, field: Field, operator: Operator) -> Filter:
        match operator:
            case Operator.ISNULL:
                return Filter(field, operator, self._random.random() < 0.5)
            case Operator.IN:
                several = (self._value(field) for _ in range(self._random.randint(1, 5)))
                return Filter(field, operator, tuple(dict.fromkeys(several)))
            case Operator.CONTAINS:
                return Filter(field, operator, self._part(self._value(field)))
        return Filter(field, operator, self._value(field))

    def _value(self, field: Field) -> Any:
        random = self._random
        found = [value for item in self.items if (value := field.value_in(item, self._now)) is not None]
        value = random.choice(found) if found and random.random() < 0.8 else None
        match field.kind:
            case Text():
                return value or random.choice((*HOSTILE_TEXTS, *UNTOUCHED))
            case Instant():
                return (value or self._now) + timedelta(microseconds=random.choice((0, 0, 0, -1, 1)))
            case Id():
                return value or UUID(int=random.getrandbits(128))
            case Flag():
                return random.random() < 0.5
            case Choice(words=words):
                return random.choice(list(words))
            case Members():
                return random.choice(sorted(value or ("read", "writer", "tasks:read", "%", "")))
        raise TypeError(f"nobody draws a {field.kind}")

    def _part(self, text: str) -> str:
        """Some of it, in capitals or not, as a query folds it."""
        random = self._random
        start = random.randrange(len(text) + 1)
        part = text[start : start + random.randint(1, 4)] or random.choice(UNTOUCHED)
        return random.choice((str.upper, str.lower, str.swapcase, str))(part).casefold()

    def _place(self, query: Query) -> Position:
        """Mostly that of an item; or one beside it, of an item that is gone."""
        place = query.position_of(self._random.choice(self.items))
        return place if self._random.random() < 0.8 else replace(place, id=UUID(int=self._random.getrandbits(128)))


def forms(fields: Fields) -> Iterator[tuple[Field, Operator]]:
    """Every field with every operator that it knows."""
    for field in map(fields.__getitem__, fields):
        yield from ((field, operator) for operator in field.operators)
