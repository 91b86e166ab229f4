"""Names of things. A type per noun, so that a key's id is never passed for a project's."""

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
