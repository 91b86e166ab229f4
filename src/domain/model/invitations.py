"""Somebody is asked to join: their address, and the roles that wait for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.model.ids import InvitationId, RoleId, UserId
from domain.model.queries import Field, Fields, Instant, Text
from domain.model.roles import MEMBER_ID
from domain.model.users import EMAIL_LIMIT, EmailAddress

INVITATION_LIFETIME = timedelta(days=7)
INVITATION_FIELDS = Fields(
    Field("email", Text(EMAIL_LIMIT), sorts=True),
    Field("created_at", Instant(), sorts=True),
    Field("expires_at", Instant(), sorts=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One for each address: to invite again takes the place of the earlier one.

    *invited_by* is None for the operator. *role_ids* are what the newcomer will hold.
    """

    id: InvitationId
    email: EmailAddress
    role_ids: frozenset[RoleId] = frozenset({MEMBER_ID})
    invited_by: UserId | None = None
    created_at: datetime
    expires_at: datetime
