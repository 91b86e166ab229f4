from datetime import datetime
from typing import Protocol

from domain.model.attempts import Attempts


class AttemptRepository(Protocol):
    async def lock(self, account: str, device: str, *, now: datetime) -> Attempts:
        """What is kept, or none at *now*. Nobody else changes it until the unit ends: who locks it too, waits."""

    async def save(self, attempts: Attempts) -> None:
        """Kept whatever was there."""

    async def forget(self, account: str, device: str | None = None) -> None:
        """Of the account on *device*, or on every one."""

    async def prune(self, before: datetime) -> None:
        """Remove what was last counted before then, except of a user whose password is refused for good."""
