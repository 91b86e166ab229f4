"""Names of things. A type per noun, so that a key's id is never passed for a project's."""

import re
from typing import NewType
from uuid import UUID

UserId = NewType("UserId", UUID)
RoleId = NewType("RoleId", UUID)
SessionId = NewType("SessionId", UUID)
KeyId = NewType("KeyId", UUID)
ProjectId = NewType("ProjectId", UUID)
TaskId = NewType("TaskId", UUID)
EventId = NewType("EventId", UUID)
InvitationId = NewType("InvitationId", UUID)
ScopeId = NewType("ScopeId", UUID)
MailId = NewType("MailId", UUID)
ClaimId = NewType("ClaimId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
IdentityId = NewType("IdentityId", UUID)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_of(raw: str) -> UUID | None:
    """*raw* as we write ids; Python's own parser takes braces, capitals and foreign digits."""
    return UUID(raw) if _UUID.fullmatch(raw) else None
