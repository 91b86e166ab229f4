from typing import Protocol

from domain.model.identities import Identity, ProviderSession
from domain.model.ids import IdentityId, SessionId, UserId


class IdentityRepository(Protocol):
    """Nobody is two users: a subject of an issuer is linked once."""

    async def add(self, identity: Identity) -> None:
        """Raises IdentityTaken, UserNotFound."""

    async def find(self, issuer: str, subject: str) -> Identity | None: ...

    async def list_by_user(self, user_id: UserId) -> tuple[Identity, ...]:
        """Oldest first, by creation and id."""

    async def touch(self, identity: Identity) -> None:
        """Keep what its provider said of it last, and when. One that was removed stays removed."""

    async def delete(self, identity_id: IdentityId) -> None:
        """Raises IdentityNotFound."""

    async def attach(self, session: ProviderSession) -> None:
        """In the place of what was attached before. Raises SessionNotFound."""

    async def list_sessions(self, issuer: str, *, subject: str | None, session: str | None) -> tuple[SessionId, ...]:
        """Those that came from there, of *subject*, of the provider's *session*, or of both where both are given; then
        a session that the provider gave no name counts as any. By their ids.
        """
