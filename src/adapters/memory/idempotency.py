from dataclasses import replace
from datetime import datetime
from heapq import nsmallest
from operator import attrgetter

from adapters.memory.tables import Table
from domain.errors import IdempotencyInProgress
from domain.model.idempotency import Record
from domain.model.ids import ClaimId


class MemoryIdempotencyRepository:
    def __init__(self, records: Table[Record]) -> None:
        self._records = records

    async def claim(self, record: Record) -> Record:
        records = self._records.writing
        if (kept := records.find(record.digest)) is not None:
            return kept
        records.insert(record)
        return record

    async def save(self, record: Record, *, claim_id: ClaimId) -> None:
        records = self._records.writing
        kept = records.find(record.digest)
        if kept is None or kept.claim_id != claim_id:
            records.refuse(IdempotencyInProgress())
        records.put(record.digest, record)

    async def release(self, record: Record) -> None:
        records = self._records.writing
        kept = records.find(record.digest)
        if kept is not None and kept.claim_id == record.claim_id and kept.shown_until is None:
            records.remove(record.digest)

    async def erase(self, now: datetime, limit: int) -> int:
        records = self._records.writing
        over = (r for r in records if r.sealed is not None and r.shown_until is not None and r.shown_until <= now)
        erased = nsmallest(limit, over, key=attrgetter("shown_until", "digest"))
        for record in erased:
            records.put(record.digest, replace(record, sealed=None))
        return len(erased)

    async def prune(self, now: datetime, limit: int) -> int:
        records = self._records.writing
        over = nsmallest(limit, (r for r in records if r.expires_at <= now), key=attrgetter("expires_at", "digest"))
        for record in over:
            records.remove(record.digest)
        return len(over)
