"""Types of values that a list is filtered by: how each is written in a query, and what an operator says of it."""

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.errors import Invalid
from domain.model.ids import uuid_of

IN_MAX = 100


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    CONTAINS = "contains"
    ISNULL = "isnull"


SAME = (Operator.EQ, Operator.NE, Operator.IN)
ORDERED = (*SAME, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
_HOLDS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.IN: lambda found, wanted: found in wanted,
}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Kind:
    """*operators* are those that make sense, but for ``isnull``, which asks no value."""

    __slots__ = ()
    operators: ClassVar[tuple[Operator, ...]] = SAME

    def parse(self, raw: str, at: str) -> Any:
        """The value that *raw* is, in the parameter called *at*. Raises Invalid."""
        raise NotImplementedError

    def holds(self, found: Any, asked: Operator, wanted: Any) -> bool:
        """Whether *found*, which is not missing, is what was *asked* for."""
        return _HOLDS[asked](found, wanted)


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """At most *longest* code points; it compares by them, and ``contains`` by their case folding.

    What is *folded* is kept in that form already.
    """

    longest: int
    folded: bool = False
    operators: ClassVar[tuple[Operator, ...]] = (*ORDERED, Operator.CONTAINS)

    def parse(self, raw: str, at: str) -> str:
        if not 1 <= len(raw) <= self.longest:
            raise Invalid(at, f"has 1 to {self.longest} characters")
        if any(character == "\0" or unicodedata.category(character) == "Cs" for character in raw):
            raise Invalid(at, "has no NUL and no lone surrogate")
        return raw

    def holds(self, found: str, asked: Operator, wanted: Any) -> bool:
        if asked is Operator.CONTAINS:
            return wanted in (found if self.folded else found.casefold())
        return _HOLDS[asked](found, wanted)


@dataclass(frozen=True, slots=True)
class Word(Text):
    """A text that is asked for whole."""

    operators: ClassVar[tuple[Operator, ...]] = ORDERED


@dataclass(frozen=True, slots=True)
class Instant(Kind):
    """A time in RFC 3339, to the microsecond, of any offset."""

    operators: ClassVar[tuple[Operator, ...]] = ORDERED

    def parse(self, raw: str, at: str) -> datetime:
        try:
            if _RFC_3339.fullmatch(raw) is not None:
                return datetime.fromisoformat(raw).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise Invalid(at, "is a time in RFC 3339 such as 2026-01-31T09:00:00Z")


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A date, in no time zone."""

    operators: ClassVar[tuple[Operator, ...]] = ORDERED

    def parse(self, raw: str, at: str) -> date:
        try:
            if _DAY.fullmatch(raw) is not None:
                return date.fromisoformat(raw)
        except ValueError:
            pass
        raise Invalid(at, "is a date such as 2026-01-31")


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number within bounds."""

    least: int
    most: int
    operators: ClassVar[tuple[Operator, ...]] = ORDERED

    def parse(self, raw: str, at: str) -> int:
        if _WHOLE.fullmatch(raw) is None or not self.least <= int(raw) <= self.most:
            raise Invalid(at, f"is a whole number from {self.least} to {self.most}")
        return int(raw)


@dataclass(frozen=True, slots=True)
class Id(Kind):
    def parse(self, raw: str, at: str) -> UUID:
        if (found := uuid_of(raw)) is None:
            raise Invalid(at, "is an id")
        return found


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    operators: ClassVar[tuple[Operator, ...]] = (Operator.EQ, Operator.NE)

    def parse(self, raw: str, at: str) -> bool:
        if raw not in ("true", "false"):
            raise Invalid(at, "is true or false")
        return raw == "true"


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of *words*."""

    words: type[StrEnum]

    def parse(self, raw: str, at: str) -> StrEnum:
        try:
            return self.words(raw)
        except ValueError:
            raise Invalid(at, f"is one of {', '.join(self.words)}") from None


@dataclass(frozen=True, slots=True)
class Members(Kind):
    """A set of texts: ``eq`` is that it has one, ``ne`` that it has not, ``in`` that it has any."""

    longest: int

    def parse(self, raw: str, at: str) -> str:
        return Text(self.longest).parse(raw, at)

    def holds(self, found: frozenset[str], asked: Operator, wanted: Any) -> bool:
        if asked is Operator.IN:
            return not found.isdisjoint(wanted)
        return (wanted in found) is (asked is Operator.EQ)
