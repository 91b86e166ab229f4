"""What a resource lets its list be asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.errors import Invalid
from domain.model.queries.kinds import IN_MAX, Flag, Kind, Operator


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool = False


NEWEST_FIRST = (Sort("created_at", descending=True),)


@dataclass(frozen=True, slots=True)
class Field:
    """*of* is the attribute that it stands for, where that has another name; *judged* tells what depends on the time.

    It is *optional* where it may be missing: ``isnull`` asks for that.
    """

    name: str
    kind: Kind
    sorts: bool = False
    optional: bool = False
    of: str | None = None
    judged: Callable[[Any, datetime], Any] | None = None

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (*self.kind.operators, Operator.ISNULL) if self.optional else self.kind.operators

    def value_in(self, item: Any, now: datetime | None) -> Any:
        if self.judged is None:
            return getattr(item, self.of or self.name)
        if now is None:
            raise TypeError(f"{self.name} is judged at a time, and the query names none")
        return self.judged(item, now)

    def filter(self, asked: Operator, raw: str, at: str) -> "Filter":
        """*raw* as the parameter called *at* says it. Raises Invalid."""
        match asked:
            case Operator.IN:
                return Filter(self, asked, self._several(raw, at))
            case Operator.ISNULL:
                return Filter(self, asked, Flag().parse(raw, at))
            case Operator.CONTAINS:
                return Filter(self, asked, self.kind.parse(raw, at).casefold())
        return Filter(self, asked, self.kind.parse(raw, at))

    def _several(self, raw: str, at: str) -> tuple[Any, ...]:
        parts = raw.split(",", IN_MAX)
        if len(parts) > IN_MAX:
            raise Invalid(at, f"has 1 to {IN_MAX} values with commas between them")
        return tuple(dict.fromkeys(self.kind.parse(part, at) for part in parts))


@dataclass(frozen=True, slots=True)
class Filter:
    """What is missing answers to ``isnull`` and to nothing else, not even to ``ne``."""

    field: Field
    operator: Operator
    value: Any
    """Of ``in`` a tuple, of ``contains`` folded, of ``isnull`` whether it is missing."""

    def matches(self, item: Any, now: datetime | None) -> bool:
        found = self.field.value_in(item, now)
        if self.operator is Operator.ISNULL:
            return (found is None) is self.value
        return found is not None and self.field.kind.holds(found, self.operator, self.value)


class Fields:
    """By name, in the order in which they are told; a list is in its *usual* order unless somebody asks for another."""

    def __init__(self, *fields: Field, usual: tuple[Sort, ...] = NEWEST_FIRST) -> None:
        self.usual = usual
        self._fields = {field.name: field for field in fields}
        self.sorts = tuple(sorted(field.name for field in fields if field.sorts))

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def get(self, name: str) -> Field | None:
        return self._fields.get(name)

    def filter(self, name: str, asked: Operator, value: Any) -> Filter:
        """For who has the *value* itself and not its text. KeyError for a field that is not among them."""
        return Filter(self[name], asked, value)
