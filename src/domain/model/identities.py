"""Who somebody is at a provider of identities."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.model.ids import IdentityId, SessionId, UserId


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

    @classmethod
    def link(cls, claims: Claims, *, id: IdentityId, user_id: UserId, provider: str, now: datetime) -> "Identity":
        return cls(
            id=id,
            user_id=user_id,
            provider=provider,
            issuer=claims.issuer,
            subject=claims.subject,
            email=claims.email,
            given_name=claims.given_name,
            family_name=claims.family_name,
            created_at=now,
            last_used_at=now,
        )

    def used(self, claims: Claims, *, now: datetime) -> "Identity":
        return replace(
            self,
            email=claims.email,
            given_name=claims.given_name,
            family_name=claims.family_name,
            last_used_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSession:
    """Which sign-in at a provider a session of ours came from."""

    session_id: SessionId
    provider: str
    issuer: str
    subject: str
    session: str | None = None
