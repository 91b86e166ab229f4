"""What happened, for the audit trail. An action's name is contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.model.actors import Actor, ActorKind
from domain.model.ids import EventId, KeyId, SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """*subject* is ``kind:id``, such as ``project:0192…``, or ``kind:unknown``. *changes* never holds a secret.

    *real_user_id* is who acted, where they acted as somebody else.
    """

    id: EventId
    at: datetime
    action: str
    subject: str
    actor_kind: ActorKind
    user_id: UserId | None = None
    real_user_id: UserId | None = None
    session_id: SessionId | None = None
    key_id: KeyId | None = None
    address: str | None = None
    request_id: str | None = None
    changes: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def by(
        cls,
        actor: Actor,
        action: str,
        subject: UUID | None,
        *,
        id: EventId,
        now: datetime,
        changes: Mapping[str, object] | None = None,
    ) -> "Event":
        """*action* is ``kind.verb``, such as ``project.created``; its kind is the kind of the *subject*."""
        return cls(
            id=id,
            at=now,
            action=action,
            subject=f"{action.partition('.')[0]}:{subject or 'unknown'}",
            actor_kind=actor.kind,
            user_id=actor.user_id,
            real_user_id=actor.real_user_id,
            session_id=actor.session_id,
            key_id=actor.key_id,
            address=actor.origin.address,
            request_id=actor.origin.request_id,
            changes=changes or {},
        )
