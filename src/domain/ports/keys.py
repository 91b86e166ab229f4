from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from domain.model.ids import KeyId, UserId
from domain.model.keys import Key, KeyUse, SecretVersion
from domain.model.queries import Page, Query


class KeyRepository(Protocol):
    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        """Raises UserNotFound for the owner, EditConflict for an id that is there already, QuotaReached when the owner
        has *live_at_most* keys neither revoked nor expired. The quota is a guard against heaps, not exact: callers who
        race may pass it by their number.
        """

    async def get(self, key_id: KeyId) -> Key:
        """Raises KeyNotFound."""

    async def save(self, key: Key) -> Key:
        """The key with its next version; its secrets and their use are kept as they are.

        Raises KeyNotFound, EditConflict.
        """

    async def save_secrets(self, key: Key) -> Key:
        """As `save`, and it keeps new secrets too, and when the others retire; their digests and use stay.

        Raises KeyNotFound, EditConflict.
        """

    async def delete(self, key: Key) -> None:
        """Its secrets go with it. Raises KeyNotFound, EditConflict."""

    async def note_uses(self, uses: Iterable[KeyUse]) -> None:
        """Add to what is kept of each secret; the latest use is the last, in whatever order they come.

        A secret that is gone is passed over, and no key's version changes.
        """

    async def save_digest(self, key_id: KeyId, secret: SecretVersion, *, seen: bytes) -> None:
        """Keep the digest of *secret* and its pepper, where what is kept is still the digest that was *seen*.

        Else it is passed over; no key's version changes.
        """

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        """Every one of the owner that is not revoked yet. How many that were."""

    async def announce(self, key_id: KeyId) -> None:
        """Nothing of the key changes, but whoever remembers it reads it anew."""

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        """By KEY_FIELDS; of every owner where *owner_id* is None."""
