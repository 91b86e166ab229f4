"""The errand on which a browser is sent to a provider of identities."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.ids import SessionId, UserId

AUTHORIZATION_LIFETIME = timedelta(minutes=10)
"""How long a browser may take to come back."""


class Intent(StrEnum):
    LOGIN = "login"
    REGISTER = "register"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A browser was sent to a provider and is expected back, once.

    *digest* is that of its state and its cookie together. Where an identity is to be linked, *user_id* is to whom, and
    *session_id* who asked for it.
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
