from datetime import datetime
from typing import Protocol

from domain.model.ids import UserId
from domain.model.one_time_tokens import OneTimeToken


class OneTimeTokenRepository(Protocol):
    """Whoever takes or removes a user's tokens does so before they save the user: two who wrote them in two orders
    would wait for each other.
    """

    async def add(self, token: OneTimeToken) -> None:
        """In the place of every other token of the same purpose for the same user, or the same invitation.

        Raises UserNotFound, InvitationNotFound.
        """

    async def take(self, digest: bytes) -> OneTimeToken | None:
        """Remove it and return it, expired or not. Of several who try at once, exactly one is given it."""

    async def remove_of_user(self, user_id: UserId) -> None: ...

    async def prune(self, before: datetime) -> None:
        """Remove what expired before then."""
