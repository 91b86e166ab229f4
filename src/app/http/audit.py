"""`/v1/audit-events`: what happened, and by whom."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from app.http.doors import ActorRequest, user
from app.http.lists import limit_in, parameter, query_in, trail_parameters
from domain.errors import Invalid
from domain.model.events import Event
from domain.model.ids import UserId, uuid_of
from domain.model.permissions import AuditPermission
from domain.services.audit import AuditService

SUBJECT_MAX = 128


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """`subject` is its kind and its id. `real_user_id` is who acted, where they acted as `user_id`."""

    id: UUID
    at: datetime
    action: str
    subject: str
    actor: str
    user_id: UUID | None
    real_user_id: UUID | None
    session_id: UUID | None
    key_id: UUID | None
    address: str | None
    request_id: str | None
    changes: Mapping[str, Any]


class TrailView(msgspec.Struct, frozen=True):
    """Newest first; `next` is the cursor of the events before these, `null` at the end."""

    data: tuple[EventView, ...]
    limit: int
    next: str | None


def event_view(event: Event) -> EventView:
    return EventView(
        id=event.id,
        at=event.at,
        action=event.action,
        subject=event.subject,
        actor=event.actor_kind,
        user_id=event.user_id,
        real_user_id=event.real_user_id,
        session_id=event.session_id,
        key_id=event.key_id,
        address=event.address,
        request_id=event.request_id,
        changes=event.changes,
    )


class AuditController(Controller):
    tags = ("Audit",)

    @get(
        "/audit-events",
        opt=user(AuditPermission.READ)
        | trail_parameters(
            parameter("user_id", type="string", format="uuid"),
            parameter("subject", type="string", minLength=1, maxLength=SUBJECT_MAX),
        ),
    )
    async def list_events(self, request: ActorRequest, audit: NamedDependency[AuditService]) -> TrailView:
        """Read the audit trail, newest first: all of it, what a user did, or what was done to a subject."""
        given = query_in(request)
        limit = limit_in(given)
        trail = await audit.list(
            request.user,
            limit,
            cursor=given.get("cursor"),
            user_id=_user_id(given.get("user_id")),
            subject=_subject(given.get("subject")),
        )
        return TrailView(tuple(map(event_view, trail.events)), limit, trail.next)


def _user_id(raw: str | None) -> UserId | None:
    if raw is None:
        return None
    if (found := uuid_of(raw)) is None:
        raise Invalid("user_id", "is an id")
    return UserId(found)


def _subject(raw: str | None) -> str | None:
    if raw is not None and not 1 <= len(raw) <= SUBJECT_MAX:
        raise Invalid("subject", f"has 1 to {SUBJECT_MAX} characters")
    return raw
