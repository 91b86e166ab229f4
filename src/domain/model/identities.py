"""Who somebody is at a provider of identities, and the errand on which a browser is sent there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.ids import IdentityId, SessionId, UserId

LIFETIME = timedelta(minutes=10)
"""How long a browser may take to come back."""


class Intent(StrEnum):
    LOGIN = "login"
    REGISTER = "register"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A browser was sent to a provider and is expected back, once.

    *digest* is that of its state and its cookie together. *user_id* and *session_id* are whose identity it is to
    become, where it is to be linked.
    """

    digest: bytes = field(repr=False)
    provider: str
    intent: Intent
    return_to: str
    user_id: UserId | None = None
    session_id: SessionId | None = None
    expires_at: datetime

    def is_live(self, *, now: datetime) -> bool:
        return now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a provider said of somebody, proved. They are *subject* to it for good; all else may change.

    *session* is the provider's own name for the sign-in (`sid`), by which it may end it.
    """

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutClaims:
    """A sign-in, or every one, of somebody ended at the provider; at least one of *subject* and *session* is there."""

    issuer: str
    subject: str | None = None
    session: str | None = None
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user is *subject* at *issuer*. The rest is what that provider said at the last sign-in."""

    id: IdentityId
    user_id: UserId
    provider: str
    issuer: str
    subject: str
    email: str | None
    given_name: str | None
    family_name: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSession:
    """Which sign-in at a provider a session of ours came from."""

    session_id: SessionId
    provider: str
    issuer: str
    subject: str
    session: str | None
