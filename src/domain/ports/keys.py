from datetime import datetime
from typing import Protocol

from domain.model.ids import KeyId, UserId
from domain.model.keys import Key
from domain.model.queries import Page, Query


class KeyRepository(Protocol):
    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        """Raises UserNotFound for the owner, QuotaReached when the owner has *live_at_most* keys neither revoked
        nor expired. The quota is a guard against heaps, not exact: callers who race may pass it by their number.
        """

    async def get(self, key_id: KeyId) -> Key:
        """Raises KeyNotFound."""

    async def save(self, key: Key) -> Key:
        """The key with its next version; its secrets and their use are kept as they are.

        Raises KeyNotFound, EditConflict.
        """

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        """Every one of the owner that is not revoked yet. How many that were."""

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        """Sorted by KEY_SORTS; of every owner where *owner_id* is None."""
