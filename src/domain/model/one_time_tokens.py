"""What a mailed link carries: 256 random bits, good for one thing, once, and not for long."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.ids import InvitationId, UserId
from domain.model.users import EmailAddress


class TokenPurpose(StrEnum):
    PASSWORD_RESET = "password_reset"
    EMAIL_VERIFICATION = "email_verification"
    EMAIL_CHANGE = "email_change"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """*email* is where it was sent: whoever presents the token has read that mailbox.

    It belongs to a user or, for somebody who is none yet, to an invitation.
    """

    digest: bytes = field(repr=False)
    purpose: TokenPurpose
    email: EmailAddress
    user_id: UserId | None = None
    invitation_id: InvitationId | None = None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def issue(
        cls,
        *,
        digest: bytes,
        purpose: TokenPurpose,
        email: EmailAddress,
        user_id: UserId | None = None,
        invitation_id: InvitationId | None = None,
        lifetime: timedelta,
        now: datetime,
    ) -> "OneTimeToken":
        return cls(
            digest=digest,
            purpose=purpose,
            email=email,
            user_id=user_id,
            invitation_id=invitation_id,
            created_at=now,
            expires_at=now + lifetime,
        )

    def is_live(self, *, now: datetime) -> bool:
        return now < self.expires_at
