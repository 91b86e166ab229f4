from typing import Protocol

from domain.model.ids import SessionId
from domain.model.sessions import RefreshToken, Session


class SessionRepository(Protocol):
    async def add(self, session: Session) -> None:
        """Raises UserNotFound."""

    async def get(self, session_id: SessionId) -> Session:
        """Raises SessionNotFound."""

    async def save(self, session: Session) -> Session:
        """The session with its next version. Raises SessionNotFound, EditConflict."""

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Raises SessionNotFound."""

    async def find_refresh_token(self, digest: bytes) -> RefreshToken | None: ...

    async def spend_refresh_token(self, token: RefreshToken) -> bool:
        """Keep *token* as spent; False, and nothing kept, when it was spent before or is not there.

        Of several who try at once, exactly one is told True.
        """
