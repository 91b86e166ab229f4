from datetime import datetime
from heapq import nsmallest
from operator import attrgetter
from typing import NamedTuple

from adapters.memory.queries import page_of
from adapters.memory.tables import Table, update
from domain.model.ids import DeliveryId
from domain.model.queries import Page, Query
from domain.model.webhooks import Delivery


class Payload(NamedTuple):
    id: DeliveryId
    text: str


class MemoryWebhookRepository:
    def __init__(self, deliveries: Table[Delivery], payloads: Table[Payload]) -> None:
        self._deliveries = deliveries
        self._payloads = payloads

    async def add(self, delivery: Delivery, payload: str) -> bool:
        deliveries, payloads = self._deliveries.writing, self._payloads.writing
        source, digest = delivery.source, delivery.digest
        named = deliveries.only("name", (source, delivery.delivery_id))
        alike = None if digest is None else deliveries.only("digest", (source, digest))
        if named is not None or alike is not None:
            return False
        deliveries.insert(delivery)
        payloads.insert(Payload(delivery.id, payload))
        return True

    async def claim(self, *, now: datetime) -> Delivery | None:
        deliveries = self._deliveries.writing
        due = (delivery for delivery in deliveries if delivery.due_at is not None and delivery.due_at <= now)
        first = min(due, key=attrgetter("due_at", "id"), default=None)
        return None if first is None else update(deliveries, first.attempted(now=now))

    async def payload(self, delivery_id: DeliveryId) -> str:
        return self._payloads.get(delivery_id).text

    async def save(self, delivery: Delivery) -> Delivery:
        return update(self._deliveries.writing, delivery)

    async def list_by_source(self, source: str, query: Query) -> Page[Delivery]:
        return page_of(self._deliveries.where("source", source), query)

    async def prune(self, before: datetime, limit: int) -> int:
        deliveries, payloads = self._deliveries.writing, self._payloads.writing
        early = (delivery for delivery in deliveries if delivery.created_at < before)
        over = nsmallest(limit, early, key=attrgetter("created_at", "id"))
        for delivery in over:
            deliveries.remove(delivery.id)
            payloads.remove(delivery.id)
        return len(over)
