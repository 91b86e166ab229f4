import logging
from collections.abc import Mapping

from domain.errors import EditConflict, InvalidCredential, NotFound
from domain.model.actors import Actor
from domain.model.ids import DeliveryId
from domain.model.permissions import WebhookPermission
from domain.model.queries import Page, Query
from domain.model.webhooks import DELIVERY_FIELDS, Delivery, Signed
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.ports.webhooks import WebhookHandler, WebhookHandlers, WebhookSignatures

log = logging.getLogger("hexkey.webhooks")


class WebhookService:
    """Takes what others sign, and has it handled. Any number of processes may do so at once.

    A handler's effect is kept once: in the unit of work in which the delivery is marked as handled.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        signatures: WebhookSignatures,
        handlers: WebhookHandlers,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._signatures = signatures
        self._handlers = handlers
        self._clock = clock
        self._ids = ids

    def require_known(self, source: str) -> None:
        """Raises NotFound for a source without a secret."""
        if not self._signatures.knows(source):
            raise NotFound

    def prove(self, source: str, headers: Mapping[str, str], body: bytes) -> Signed:
        """What *headers*, whose names are in lower case, prove of *body*.

        Raises Unauthenticated without a signature, InvalidCredential for a wrong one.
        """
        if (signed := self._signatures.read(source, headers, body)) is None:
            raise InvalidCredential
        return signed

    async def receive(self, source: str, signed: Signed, payload: str) -> bool:
        """Keep *payload*, to be handled soon; False for one that was kept before, in the last thirty days at least."""
        now = self._clock.now()
        delivery = Delivery(
            id=DeliveryId(self._ids.new()),
            source=source,
            delivery_id=signed.delivery_id,
            digest=signed.digest,
            event=signed.event,
            size=len(payload.encode()),
            due_at=now,
            created_at=now,
        )
        if self._handler_of(delivery) is None:
            delivery = delivery.unhandled()
        async with self._uow() as work:
            return await work.webhooks.add(delivery, payload)

    async def deliver(self) -> bool:
        """Have the one that has been due for the longest handled; whether there was one. Raises Unavailable.

        A handler that raises leaves it for later, until it has been tried too often.
        """
        async with self._uow() as work:
            delivery = await work.webhooks.claim(now=self._clock.now())
        if delivery is None:
            return False
        handler = self._handler_of(delivery)
        if handler is None:
            await self._save(delivery.unhandled())
        elif delivery.is_hopeless:
            await self._give_back(delivery, "Interrupted")
        else:
            await self._attempt(handler, delivery)
        return True

    async def list(self, actor: Actor, source: str, query: Query) -> Page[Delivery]:
        """Raises PermissionDenied, Invalid, NotFound for a source without a secret that has sent nothing."""
        actor.require(WebhookPermission.READ)
        query = query.within(DELIVERY_FIELDS)
        async with self._uow.reading() as work:
            page = await work.webhooks.list_by_source(source, query)
        if not page.total:
            self.require_known(source)
        return page

    async def _attempt(self, handler: WebhookHandler, delivery: Delivery) -> None:
        """It is marked before it is handled: whoever else has it waits for this unit, and is then too late."""
        try:
            async with self._uow() as work:
                payload = await work.webhooks.payload(delivery.id)
                await work.webhooks.save(delivery.handled(now=self._clock.now()))
                await handler.handle(work, delivery, payload)
        except Exception as error:
            await self._give_back(delivery, type(error).__name__)

    async def _give_back(self, delivery: Delivery, error: str) -> None:
        """The error by its kind alone: what it says may be out of the payload."""
        given_back = delivery.not_handled(error[:255])
        if await self._save(given_back):
            log.warning("webhook %s of %s: %s, it is %s", delivery.id, delivery.source, error, given_back.status)

    async def _save(self, delivery: Delivery) -> bool:
        """False where somebody else has taken it meanwhile: theirs is the last word."""
        try:
            async with self._uow() as work:
                await work.webhooks.save(delivery)
        except (EditConflict, NotFound):
            return False
        return True

    def _handler_of(self, delivery: Delivery) -> WebhookHandler | None:
        general = self._handlers.get((delivery.source, None))
        return self._handlers.get((delivery.source, delivery.event), general)
