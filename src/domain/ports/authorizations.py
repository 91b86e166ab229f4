from datetime import datetime
from typing import Protocol

from domain.model.authorizations import AuthorizationRequest


class AuthorizationRepository(Protocol):
    """Browsers that were sent to a provider."""

    async def add(self, request: AuthorizationRequest) -> None:
        """Raises SessionNotFound where it is to link for one that is not there."""

    async def take(self, digest: bytes) -> AuthorizationRequest | None:
        """Its request, removed: of several who try at once, exactly one is handed it."""

    async def prune(self, before: datetime) -> None:
        """Remove those that expired before then."""
