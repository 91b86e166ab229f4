from datetime import datetime
from typing import Protocol

from domain.model.ids import SessionId, UserId
from domain.model.sessions import RefreshToken, Session


class SessionRepository(Protocol):
    async def add(self, session: Session) -> None:
        """Raises UserNotFound."""

    async def get(self, session_id: SessionId) -> Session:
        """Raises SessionNotFound."""

    async def save(self, session: Session) -> Session:
        """The session with its next version. Raises SessionNotFound, EditConflict."""

    async def touch(self, session: Session) -> None:
        """Keep when and where it was last seen and when idling ends it. The version stays, and so does the rest:
        nothing is refused where somebody else has just saved it.
        """

    async def list_live_by_user(self, user_id: UserId, *, now: datetime) -> tuple[Session, ...]:
        """Oldest first, by creation and id."""

    async def end_all(self, user_id: UserId, *, now: datetime, but: SessionId | None = None) -> int:
        """End every live session of the user except *but*, and every one in which they act as somebody else; how many
        those were.
        """

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove those whose absolute end lies before then, with their tokens; at most *limit*, and how many."""

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Raises SessionNotFound."""

    async def find_refresh_token(self, digest: bytes) -> RefreshToken | None: ...

    async def spend_refresh_token(self, token: RefreshToken) -> bool:
        """Keep *token* as spent; False, and nothing kept, when it was spent before or is not there.

        Of several who try at once, exactly one is told True.
        """
