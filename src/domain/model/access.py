"""What a credential may do, resolved once: the facts that every request is judged by."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from typing import NamedTuple

from domain.model.actors import Actor, ActorKind, Origin, let_in
from domain.model.ids import KeyId, SessionId
from domain.model.keys import ENDED, Key, KeyStatus, SecretVersion
from domain.model.leases import common, shared, shared_subject, subject
from domain.model.limits import Allowance
from domain.model.networks import within
from domain.model.permissions import UserPermission
from domain.model.presented import PresentedSession
from domain.model.roles import HeldRole, Role, permissions_of
from domain.model.scopes import Catalogue
from domain.model.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrant:
    """*permissions* are the key's scopes cut to what its owner may do now.

    *subjects* are all whose change may change it; *seq* is the last change that was there when it was read.
    """

    key: Key
    owner_is_active: bool
    permissions: frozenset[str]
    subjects: tuple[str, ...] = ()
    seq: int = field(default=0, compare=False)

    @classmethod
    def resolve(
        cls,
        key: Key,
        *,
        owner_is_active: bool,
        owner_roles: Iterable[Role | HeldRole],
        catalogue: Catalogue,
        seq: int = 0,
    ) -> "KeyGrant":
        roles = tuple(owner_roles)
        allowed = permissions_of(roles, catalogue)
        return cls(
            key=key,
            owner_is_active=owner_is_active,
            permissions=common(catalogue.permissions_of(key.scopes), allowed),
            subjects=(
                subject("key", key.id),
                shared_subject("user", key.owner_id),
                *(shared_subject("role", role_id) for role_id in sorted(role.id for role in roles)),
                *(shared_subject("project", project_id) for project_id in sorted(key.project_ids)),
            ),
            seq=seq,
        )

    @property
    def id(self) -> KeyId:
        return self.key.id

    def next_turn(self, *, now: datetime) -> datetime | None:
        """When time alone next changes what this allows: the key ends, or one of its secrets does."""
        turns = (self.key.expires_at, *(secret.retires_at for secret in self.key.secrets))
        return min((turn for turn in turns if turn is not None and turn > now), default=None)

    def rejection(self, *, now: datetime, address: str | None) -> "Rejection | None":
        """Why the key may not be used, asked after its secret was proved. Without *address* no network rule."""
        status = self.key.status(now=now)
        if status is not KeyStatus.ACTIVE:
            return Rejection(status.value)
        if not self.owner_is_active:
            return Rejection.OWNER_INACTIVE
        if address is not None and not within(self.key.allowed_networks, address):
            return Rejection.NETWORK_NOT_ALLOWED
        return None

    def rejection_of_revoking(self, *, now: datetime) -> "Rejection | None":
        """Why the key may not even end itself: it may while it is suspended, and from any network."""
        if (status := self.key.status(now=now)) in ENDED:
            return Rejection(status.value)
        return None if self.owner_is_active else Rejection.OWNER_INACTIVE

    def actor(self, secret: SecretVersion, origin: Origin) -> Actor:
        """Who calls with *secret*."""
        key = self.key
        return let_in(
            {
                "kind": ActorKind.KEY,
                "permissions": self.permissions,
                "user_id": key.owner_id,
                "key_id": key.id,
                "scopes": key.scopes,
                "project_ids": key.project_ids,
                "limits": key.limits,
                "allowed_networks": key.allowed_networks,
                "expires_at": key.expires_at,
                "secret_version": secret.version,
                "retirement": key.retirement_of(secret),
                "origin": origin,
                "grant": self,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Of a user, what a session stands on."""

    is_active: bool
    password_change_required: bool
    roles: tuple[Role | HeldRole, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """*permissions* are the user's; where somebody else acts as them, cut to what that person may do too.

    *subjects* and *seq* as in `KeyGrant`.
    """

    session: Session
    user_is_active: bool
    password_change_required: bool
    permissions: frozenset[str]
    subjects: tuple[str, ...] = ()
    seq: int = field(default=0, compare=False)

    @classmethod
    def resolve(
        cls,
        session: Session,
        *,
        user: "Holder",
        real_user: "Holder | None" = None,
        catalogue: Catalogue,
        seq: int = 0,
    ) -> "SessionGrant":
        """*real_user* is given if and only if the session has one."""
        permissions = permissions_of(user.roles, catalogue)
        if real_user is None:
            permissions = frozenset() if user.password_change_required else permissions
            return cls(
                session=session,
                user_is_active=user.is_active,
                password_change_required=user.password_change_required,
                permissions=shared(permissions),
                subjects=_subjects(session, user),
                seq=seq,
            )
        own = permissions_of(real_user.roles, catalogue)
        may = real_user.is_active and not real_user.password_change_required and UserPermission.IMPERSONATE in own
        return cls(
            session=session,
            user_is_active=user.is_active and may,
            password_change_required=False,
            permissions=common(permissions, own),
            subjects=_subjects(session, user, real_user),
            seq=seq,
        )

    @property
    def id(self) -> SessionId:
        return self.session.id

    def next_turn(self, *, now: datetime) -> datetime | None:
        """When time alone next changes what this allows: the session idles, or is over."""
        ends = min(self.session.idle_ends_at, self.session.ends_at)
        return ends if ends > now else None

    def is_proved_by(self, presented: PresentedSession) -> bool:
        digest = self.session.digest
        return digest is not None and compare_digest(digest, presented.digest)

    def is_good(self, *, now: datetime) -> bool:
        return self.user_is_active and self.session.is_live(now=now)

    def actor(self, origin: Origin) -> Actor:
        return let_in(
            {
                "kind": ActorKind.USER,
                "permissions": self.permissions,
                "user_id": self.session.user_id,
                "real_user_id": self.session.real_user_id,
                "session_id": self.session.id,
                "password_change_required": self.password_change_required,
                "origin": origin,
                "grant": self,
            }
        )


Grant = KeyGrant | SessionGrant


def _subjects(session: Session, *holders: Holder) -> tuple[str, ...]:
    people = (session.user_id,) if session.real_user_id is None else (session.user_id, session.real_user_id)
    roles = sorted({role.id for holder in holders for role in holder.roles})
    return (
        subject("session", session.id),
        *(shared_subject("user", user_id) for user_id in people),
        *(shared_subject("role", role_id) for role_id in roles),
    )


class Rejection(StrEnum):
    """Why a presented key is not accepted. Contract: shown as `code`."""

    UNKNOWN = "unknown"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    OWNER_INACTIVE = "owner_inactive"
    MISSING_PERMISSION = "missing_permission"
    RATE_LIMITED = "rate_limited"
    NETWORK_NOT_ALLOWED = "network_not_allowed"


class Accepted(NamedTuple):
    grant: KeyGrant
    secret: SecretVersion
    allowances: tuple[Allowance, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """*key_id* is None only for `unknown`: a key's state is told to who proved its secret."""

    reason: Rejection
    key_id: KeyId | None = None
    retry_after: int | None = None


Verification = Accepted | Rejected
