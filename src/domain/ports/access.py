from typing import Protocol

from domain.model.access import KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId


class AccessDirectory(Protocol):
    """What credentials may do. Stands outside any unit of work, on the primary."""

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        """With every secret that is not retired; of a revoked, suspended or expired key too."""

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        """Of a dead session too."""
