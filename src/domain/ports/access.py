from datetime import datetime
from typing import Protocol

from domain.model.access import Grant, KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId
from domain.model.leases import Changes


class AccessDirectory(Protocol):
    """What credentials may do. Stands outside any unit of work, on the primary.

    A grant comes with the ``seq`` of the last change in the very snapshot that it was read from.
    """

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        """With every secret that is not retired; of a revoked, suspended or expired key too."""

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        """Of a dead session too."""

    def is_current(self, grant: Grant) -> bool:
        """Whether *grant* is good at this moment, as far as is known without a look: where not, find it again."""


class AccessChanges(Protocol):
    """The trail of what changed access, never empty. A unit of work appends to it last of all, in the order in which
    units commit: whoever has seen a row has seen every one before it.
    """

    async def read(self, since: int | None, limit: int) -> Changes:
        """From that ``seq`` on, itself included, in their order; without one, the newest alone. On the primary."""

    async def flush(self) -> None:
        """Append a change of everything."""

    async def prune(self, before: datetime) -> None:
        """Remove what is older, but never the newest."""
