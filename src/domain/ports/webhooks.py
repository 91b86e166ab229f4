from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from domain.model.ids import DeliveryId
from domain.model.queries import Page, Query
from domain.model.webhooks import Delivery, Signed

if TYPE_CHECKING:
    from domain.ports.unit_of_work import UnitOfWork


class WebhookSignatures(Protocol):
    """Nothing here does I/O."""

    def knows(self, source: str) -> bool:
        """Whether *source* has a secret."""

    def read(self, source: str, headers: Mapping[str, str], body: bytes) -> Signed | None:
        """What *headers*, whose names are in lower case, prove of *body* as it was sent; None where they do not.

        Any of the secrets of *source* will do, and each costs the same time.
        Raises Unauthenticated without a signature.
        """


class WebhookHandler(Protocol):
    async def handle(self, work: "UnitOfWork", delivery: Delivery, payload: str) -> None:
        """React to *payload*, the JSON that was signed, by what is written in *work* and by nothing else.

        What it raises undoes that, and it is called again later. Whatever is slow or cannot be undone, such as a call
        over the network, belongs behind something that is written here.
        """


WebhookHandlers = Mapping[tuple[str, str | None], WebhookHandler]
"""By source and event; None is every event that has no handler of its own."""


class WebhookRepository(Protocol):
    """What came in, each thing once."""

    async def add(self, delivery: Delivery, payload: str) -> bool:
        """Keep it, unless its source sent something of this delivery id, or of its digest, before; whether it is new.

        Of several who add the same at once, exactly one is told so.
        """

    async def claim(self, *, now: datetime) -> Delivery | None:
        """The one that has been due for the longest, as `Delivery.attempted` makes it wait, with its next version.

        Of several who claim at once, one at most is given it.
        """

    async def payload(self, delivery_id: DeliveryId) -> str:
        """Raises DeliveryNotFound."""

    async def save(self, delivery: Delivery) -> Delivery:
        """The delivery with its next version; nobody else claims or saves it before this unit ends.

        Raises DeliveryNotFound, EditConflict.
        """

    async def list_by_source(self, source: str, query: Query) -> Page[Delivery]:
        """By DELIVERY_FIELDS."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove those that came before then, the oldest first; at most *limit*, and how many."""
