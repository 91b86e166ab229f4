"""Tables that an extension has of its own: each is made when it is first asked for, by the function that makes it."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from adapters.memory.tables import Draft, Table

R = TypeVar("R")
Make = Callable[[], Table[R]]


class TableOf(Protocol):
    """What an extension's repository stands on: ``parcels = table_of(make_parcels)``."""

    def __call__(self, make: Make[R], /) -> Table[R]: ...


class OwnTables:
    def __init__(self) -> None:
        self._made: dict[Make[Any], Table[Any]] = {}

    def __call__(self, make: Make[R], /) -> Table[R]:
        if make not in self._made:
            self._made[make] = make()
        return self._made[make]

    def draft(self) -> "OwnDrafts":
        return OwnDrafts(self)

    def merge(self, drafts: "OwnDrafts") -> None:
        for make, draft in drafts.drafts.items():
            self(make).merge(draft)


class OwnDrafts(OwnTables):
    """They as one unit of work sees them."""

    def __init__(self, base: OwnTables) -> None:
        super().__init__()
        self._base = base
        self.drafts: dict[Make[Any], Draft[Any]] = {}

    def __call__(self, make: Make[R], /) -> Table[R]:
        if make not in self.drafts:
            self.drafts[make] = self._base(make).draft()
        return self.drafts[make]

    @property
    def refused(self) -> bool:
        return any(draft.refused for draft in self.drafts.values())


class Owning:
    """A unit of work that an extension's repositories take part in."""

    def __init__(self, tables: TableOf) -> None:
        self._own = tables

    def own(self, repository: Callable[[TableOf], R]) -> R:
        return repository(self._own)
