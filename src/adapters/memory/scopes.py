from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter

from adapters.memory.access_changes import Changed
from adapters.memory.tables import Table, present, update
from domain.errors import QuotaReached
from domain.model.keys import Key
from domain.model.leases import EVERYTHING
from domain.model.scopes import Scope


class MemoryScopeRepository:
    def __init__(self, scopes: Table[Scope], keys: Table[Key], changed: Changed) -> None:
        self._changed = changed
        self._scopes = scopes
        self._keys = keys

    async def add(self, scope: Scope, *, at_most: int) -> None:
        scopes = self._scopes.writing
        if sum(1 for _ in scopes) >= at_most:
            scopes.refuse(QuotaReached(f"there are at most {at_most} scopes"))
        scopes.insert(scope)

    async def find(self, name: str) -> Scope | None:
        return self._scopes.only("name", name)

    async def list(self) -> tuple[Scope, ...]:
        return tuple(sorted(self._scopes, key=attrgetter("name")))

    async def list_by_names(self, names: Iterable[str]) -> tuple[Scope, ...]:
        return defined(self._scopes, names)

    async def save(self, scope: Scope) -> Scope:
        self._changed(EVERYTHING)
        return update(self._scopes.writing, scope)

    async def delete(self, scope: Scope) -> None:
        self._changed(EVERYTHING)
        scopes, keys = self._scopes.writing, self._keys.writing
        present(scopes, scope)
        scopes.remove(scope.id)
        for key in [key for key in keys if scope.name in key.scopes]:
            keys.put(key.id, replace(key, scopes=key.scopes - {scope.name}, version=key.version + 1))

    async def has_key(self, name: str) -> bool:
        return any(name in key.scopes for key in self._keys)


def defined(scopes: Table[Scope], names: Iterable[str]) -> tuple[Scope, ...]:
    """Those of *names* that are among *scopes*, by name."""
    found = (scopes.only("name", name) for name in sorted(set(names)))
    return tuple(scope for scope in found if scope is not None)
