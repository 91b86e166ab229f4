"""Mail that waits to be sent: what it is about, never its text, for the text may hold a secret.

A link's token is made when the mail is sent, so that no secret waits in the store. The texts are in `letters`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.ids import InvitationId, MailId, UserId
from domain.model.users import EmailAddress, User

_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_RETRY = timedelta(hours=1)
ATTEMPTS_MAX = 30
"""Then nobody takes it: a day and more has passed."""


class MailKind(StrEnum):
    """The first five hold a link; the rest tell somebody what was done to their account."""

    PASSWORD_RESET = "password_reset"
    WELCOME = "welcome"
    EMAIL_VERIFICATION = "email_verification"
    EMAIL_CHANGE = "email_change"
    INVITATION = "invitation"
    PASSWORD_CHANGED = "password_changed"
    EMAIL_CHANGED = "email_changed"
    SESSION_REUSED = "session_reused"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_REMOVED = "identity_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """*to* is the stored address. A reset is asked for by address alone: whose it is, if anybody's, is found later."""

    id: MailId
    kind: MailKind
    to: EmailAddress
    user_id: UserId | None = None
    invitation_id: InvitationId | None = None
    created_at: datetime
    due_at: datetime
    attempts: int = 0

    def attempted(self, *, now: datetime) -> "Mail":
        """As it waits while it is being sent: whoever fails, or dies, leaves it due again after a while."""
        pause = min(_FIRST_RETRY * 2 ** min(self.attempts, 10), _LONGEST_RETRY)
        return replace(self, attempts=self.attempts + 1, due_at=now + pause)

    def concerns(self, user: User) -> bool:
        """Whether a mail with a link is still worth sending, now that its user is as they are.

        A move is over once anything about them has changed: perhaps a thief asked for it, whose mail server then
        kept ours waiting until the owner had a new password and felt safe.
        """
        match self.kind:
            case MailKind.EMAIL_VERIFICATION:
                is_so = user.email == self.to and user.email_verified_at is None
            case MailKind.EMAIL_CHANGE:
                is_so = user.email != self.to and user.updated_at <= self.created_at
            case _:
                is_so = user.email == self.to
        return user.is_active and is_so

    @property
    def is_hopeless(self) -> bool:
        return self.attempts >= ATTEMPTS_MAX


@dataclass(frozen=True, slots=True)
class Message:
    """A mail as it is read; *text* may hold a link with a secret."""

    to: EmailAddress
    subject: str
    text: str = field(repr=False)
