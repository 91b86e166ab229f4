"""The part of a database that repositories rely on: unique indexes, references, versions, all-or-nothing.

A `Table` holds what is committed and only looks. A `Draft` of it keeps its own writes beside it, so that a rollback
forgets the draft, a commit costs what was changed, and neither depends on how many rows there are.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar

from domain.errors import Conflict, DomainError, EditConflict, NotFound


class Versioned(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> Hashable: ...
    @property
    def version(self) -> int: ...


R = TypeVar("R")
V = TypeVar("V", bound=Versioned)
Ids = Collection[Hashable]


@dataclass(frozen=True, slots=True)
class Index(Generic[R]):
    """Finds rows by a value; where there is a *refusal*, no two rows share one. ``None`` is never indexed."""

    name: str
    value_of: Callable[[R], Hashable]
    refusal: type[Conflict] | None = None


class Table(Generic[R]):
    """Rows as they were last committed. *absent* is how a missing one is refused."""

    def __init__(
        self,
        *indexes: Index[R],
        absent: type[NotFound] = NotFound,
        id_of: Callable[[R], Hashable] = attrgetter("id"),
    ) -> None:
        self.indexes = {index.name: index for index in indexes}
        self.absent = absent
        self.id_of = id_of
        self._rows: dict[Hashable, R] = {}
        self._places: dict[str, dict[Hashable, set[Hashable]]] = {name: {} for name in self.indexes}

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def find(self, id: Hashable) -> R | None:
        return self._rows.get(id)

    def get(self, id: Hashable) -> R:
        if (row := self.find(id)) is None:
            raise self.absent
        return row

    def where(self, name: str, value: Hashable) -> Iterator[R]:
        """The rows whose value in the index *name* is *value*, in no order."""
        value_of = self.indexes[name].value_of
        for row_id in self.ids(name, value):
            row = self.find(row_id)
            if row is not None and value_of(row) == value:
                yield row

    def only(self, name: str, value: Hashable) -> R | None:
        return next(self.where(name, value), None)

    def ids(self, name: str, value: Hashable) -> Ids:
        """Every row that `where` may find is among these."""
        return self._places[name].get(value, ())

    @property
    def writing(self) -> "Draft[R]":
        raise RuntimeError("a reading unit of work does not write")

    def draft(self) -> "Draft[R]":
        return Draft(self)

    def merge(self, draft: "Draft[R]") -> None:
        for row_id, row in draft.changes.items():
            if (previous := self._rows.pop(row_id, None)) is not None:
                self._forget(row_id, previous)
            if row is not None:
                self._rows[row_id] = row
                self._place(row_id, row)

    def _place(self, id: Hashable, row: R) -> None:
        for name, index in self.indexes.items():
            if (value := index.value_of(row)) is not None:
                self._places[name].setdefault(value, set()).add(id)

    def _forget(self, id: Hashable, row: R) -> None:
        for name, index in self.indexes.items():
            if (ids := self._places[name].get(value := index.value_of(row))) is not None:
                ids.discard(id)
                if not ids:
                    del self._places[name][value]


class Draft(Table[R]):
    """A table as one unit of work sees it. *changes* are its writes; ``None`` is a removed row.

    A refused write stays on record, so that the unit of work can tell when nobody passed it on.
    """

    def __init__(self, base: Table[R]) -> None:
        super().__init__(*base.indexes.values(), absent=base.absent, id_of=base.id_of)
        self._base = base
        self.changes: dict[Hashable, R | None] = {}
        self.refused = False

    def __iter__(self) -> Iterator[R]:
        yield from (row for row in self._base if self.id_of(row) not in self.changes)
        yield from (row for row in self.changes.values() if row is not None)

    def find(self, id: Hashable) -> R | None:
        return self.changes[id] if id in self.changes else self._base.find(id)

    def ids(self, name: str, value: Hashable) -> Ids:
        own, committed = super().ids(name, value), self._base.ids(name, value)
        return {*own, *committed} if own else committed

    @property
    def writing(self) -> "Draft[R]":
        return self

    def require(self, id: Hashable) -> R:
        """What a row that is being written refers to."""
        if (row := self.find(id)) is None:
            self.refuse(self.absent())
        return row

    def insert(self, row: R) -> None:
        if self.find(row_id := self.id_of(row)) is not None:
            self.refuse(ValueError("this id is taken"))
        self.put(row_id, row)

    def put(self, id: Hashable, row: R) -> None:
        for index in self.indexes.values():
            if index.refusal is not None and self._is_taken(index, id, row):
                self.refuse(index.refusal())
        self.changes[id] = row
        self._place(id, row)

    def remove(self, id: Hashable) -> None:
        self.changes[id] = None

    def remove_where(self, name: str, value: Hashable) -> None:
        for row in self.where(name, value):
            self.remove(self.id_of(row))

    def refuse(self, error: DomainError | ValueError) -> NoReturn:
        self.refused = True
        raise error

    def _is_taken(self, index: Index[R], id: Hashable, row: R) -> bool:
        value = index.value_of(row)
        return value is not None and any(self.id_of(other) != id for other in self.where(index.name, value))


def present(rows: Draft[V], row: V) -> V:
    """What is kept of *row*, which nobody changed since it was read. Raises what *rows* calls absent, EditConflict."""
    kept = rows.require(row.id)
    if kept.version != row.version:
        rows.refuse(EditConflict())
    return kept


def update(rows: Draft[V], row: V) -> V:
    """*row* with its next version, kept."""
    present(rows, row)
    following = replace(row, version=row.version + 1)
    rows.put(row.id, following)
    return following
