from datetime import datetime
from typing import Protocol

from domain.model.idempotency import Record
from domain.model.ids import ClaimId


class IdempotencyRepository(Protocol):
    async def claim(self, record: Record) -> Record:
        """Keep *record* unless there is one of its digest; the one that is kept.

        Of several who claim at once, exactly one is given their own. Nobody else touches it before this unit ends.
        """

    async def save(self, record: Record, *, claim_id: ClaimId) -> None:
        """Raises IdempotencyInProgress where it is not, or no longer, claimed under *claim_id*."""

    async def release(self, record: Record) -> None:
        """Remove it while it is claimed as *record* says and without an answer; else nothing."""

    async def erase(self, now: datetime, limit: int) -> int:
        """Forget the answers that are shown no longer and the records of which stay; at most *limit*, and how many."""

    async def prune(self, now: datetime, limit: int) -> int:
        """Remove those that have expired by *now*; at most *limit*, and how many."""
