"""What scopes mean, those included that somebody has defined; and what nobody may therefore give."""

from collections.abc import Iterable

from domain.model.actors import Actor
from domain.model.keys import Key, require_within
from domain.model.scopes import SCOPES_MAX, Catalogue, is_definable
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


class Meanings:
    """Nothing is asked of the store for what is built in."""

    def __init__(self, *, uow: UnitOfWorkFactory, catalogue: Catalogue) -> None:
        self._uow = uow
        self._catalogue = catalogue

    async def asked_for(self, scopes: Iterable[str]) -> Catalogue:
        """A catalogue that knows of *scopes* what there is to know; a heap of them is not looked up."""
        wanted = self._definable(scopes)
        if not 1 <= len(wanted) <= SCOPES_MAX:
            return self._catalogue
        async with self._uow.reading() as work:
            return self._catalogue.including(await work.scopes.list_by_names(wanted))

    async def require_within(self, work: UnitOfWork, actor: Actor, key: Key, *, before: Key | None = None) -> None:
        """What a key held *before*, its owner or the key itself may leave to it: it was not theirs to give.

        Raises ScopeExceedsMinter.
        """
        already = before.scopes if before is not None and before.is_own(actor) else frozenset()
        catalogue = self._catalogue
        if wanted := self._definable(key.scopes | already):
            catalogue = catalogue.including(await work.scopes.list_by_names(wanted))
        require_within(actor, key, catalogue.permissions_of(key.scopes) - catalogue.permissions_of(already))

    def _definable(self, scopes: Iterable[str]) -> set[str]:
        return {scope for scope in scopes if is_definable(scope) and not self._catalogue.has(scope)}
