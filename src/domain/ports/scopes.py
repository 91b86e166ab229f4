from collections.abc import Iterable
from typing import Protocol

from domain.model.scopes import Scope


class ScopeRepository(Protocol):
    """The scopes that somebody has defined; what is built in stands in the code."""

    async def add(self, scope: Scope, *, at_most: int) -> None:
        """Raises EditConflict when somebody else has defined one of that name, QuotaReached when there are *at_most*.
        The quota is a guard against heaps, not exact.
        """

    async def find(self, name: str) -> Scope | None: ...

    async def list(self) -> tuple[Scope, ...]:
        """All, by name."""

    async def list_by_names(self, names: Iterable[str]) -> tuple[Scope, ...]:
        """Those that are defined, by name. In a unit of work that writes they stay until the unit ends."""

    async def save(self, scope: Scope) -> Scope:
        """The scope with its next version; its name stays. Raises ScopeNotFound, EditConflict."""

    async def delete(self, scope: Scope) -> None:
        """It is taken from whatever key holds it, which gets its next version. Raises ScopeNotFound, EditConflict."""

    async def has_key(self, name: str) -> bool:
        """Whether any key holds the scope, a dead one too."""
