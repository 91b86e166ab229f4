"""`/v1/webhooks/{source}`: what others tell us, signed by them."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from app.http.bodies import JSON, require_media_type
from app.http.doors import ActorRequest, SignedRequest, signed, user
from app.http.lists import ListView, list_query, listed, listing
from app.http.strict_json import parse_signed_json
from app.http.views import ViewResponse
from domain.model.permissions import WebhookPermission
from domain.model.webhooks import DELIVERY_FIELDS, Delivery, Signed
from domain.services.webhooks import WebhookService

_EVENT = re.compile(r"[!-~]{1,255}")


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """`size` is that of the payload in bytes; `status` is `pending`, `handled`, `unhandled` or `failed`."""

    id: UUID
    delivery_id: str
    event: str | None
    size: int
    status: str
    attempts: int
    last_error: str | None
    created_at: datetime
    handled_at: datetime | None


def view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        delivery_id=delivery.delivery_id,
        event=delivery.event,
        size=delivery.size,
        status=delivery.status.value,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
        handled_at=delivery.handled_at,
    )


class WebhookController(Controller):
    path = "/webhooks/{source:str}"
    tags = ("Webhooks",)

    @post(opt=signed(), status_code=202, responses={200: ResponseSpec(None, description="It has come before.")})
    async def receive_webhook(
        self, request: SignedRequest, source: FromPath[str], webhooks: NamedDependency[WebhookService]
    ) -> Response[None]:
        """Take what a source has signed, once: by GitHub's headers, or by those of Standard Webhooks."""
        require_media_type(request.scope["headers"], JSON)
        body = await request.body()
        message = named(request.user, parse_signed_json(body))
        is_new = await webhooks.receive(source, message, body.decode())
        return ViewResponse(None, status_code=202 if is_new else 200)

    @get("/deliveries", opt=user(WebhookPermission.READ) | listing(DELIVERY_FIELDS))
    async def list_deliveries(
        self, request: ActorRequest, source: FromPath[str], webhooks: NamedDependency[WebhookService]
    ) -> ListView[DeliveryView]:
        """List what a source has sent, and whether it was handled; of the last thirty days."""
        query = list_query(request, DELIVERY_FIELDS)
        return listed(request, await webhooks.list(request.user, source, query), query, view)


def named(message: Signed, payload: Any) -> Signed:
    """*message*, by the ``type`` of its payload where its headers name no event, as Standard Webhooks has it."""
    kind = payload.get("type") if message.event is None and isinstance(payload, dict) else None
    return replace(message, event=kind) if isinstance(kind, str) and _EVENT.fullmatch(kind) else message
