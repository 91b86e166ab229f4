"""Who the service decided is calling, and what they may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.errors import (
    CredentialKindNotAllowed,
    ForbiddenInImpersonation,
    OwnAccount,
    PasswordChangeRequired,
    PermissionDenied,
    TargetExceedsActor,
)
from domain.model.ids import KeyId, ProjectId, SessionId, UserId
from domain.model.limits import Policy
from domain.model.networks import Network

if TYPE_CHECKING:
    from domain.model.access import Grant


class ActorKind(StrEnum):
    USER = "user"
    KEY = "key"
    SYSTEM = "system"


class Origin(NamedTuple):
    """Where a call came from, for the audit trail and for network rules. Every member may be unknown."""

    address: str | None = None
    request_id: str | None = None
    user_agent: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Retirement:
    """A secret that another has replaced *since*, and that is refused from *until* on."""

    since: datetime
    until: datetime


def neighbourhood(address: str | None) -> str | None:
    """What counts as one client: an IPv6 one hops inside its /64, an IPv4 one keeps its address."""
    if address is None or ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


@dataclass(frozen=True, kw_only=True)
class Actor:
    """*permissions* is what the credential may do now: a key's are already cut to its owner's, and those of somebody
    who acts as *user_id* to their own.
    """

    kind: ActorKind
    permissions: frozenset[str]
    user_id: UserId | None = None
    real_user_id: UserId | None = None
    """Who acts as *user_id*, if that is somebody else."""
    session_id: SessionId | None = None
    key_id: KeyId | None = None
    scopes: frozenset[str] = frozenset()
    project_ids: frozenset[ProjectId] = frozenset()
    """The only projects that a restricted key may touch; empty means no restriction."""
    limits: tuple[Policy, ...] = ()
    """A key's own limits, in place of the default."""
    allowed_networks: tuple[Network, ...] = ()
    """Where a key may be used; empty means anywhere."""
    expires_at: datetime | None = None
    """When the key that calls ends, if it does."""
    secret_version: int | None = None
    """Which of the key's secrets was presented."""
    retirement: Retirement | None = None
    """Of a secret that has been rotated, and is still good for a while."""
    password_change_required: bool = False
    """Until then they may do nothing else."""
    origin: Origin = NOWHERE
    grant: "Grant | None" = field(default=None, repr=False, compare=False)
    """What let them in; None for who showed no credential."""

    def calling_from(self, origin: Origin) -> "Actor":
        """The same, in another call."""
        members = self.__dict__.copy()
        members["origin"] = origin
        return let_in(members)

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, *permissions: str) -> None:
        """Raises PasswordChangeRequired, and PermissionDenied naming every permission that is missing."""
        self._require_settled()
        if permissions and (missing := frozenset(permissions) - self.permissions):
            raise PermissionDenied(missing)

    def owner(self) -> UserId:
        """The user whose rows this actor makes and owns.

        Raises CredentialKindNotAllowed for the system, PasswordChangeRequired.
        """
        self._require_settled()
        if self.user_id is None:
            raise CredentialKindNotAllowed("the system owns nothing; name an owner")
        return self.user_id

    def person(self) -> UserId:
        """The user who acts, and for themselves: asked by whatever touches their credentials.

        Raises CredentialKindNotAllowed for a key or the system, ForbiddenInImpersonation.
        """
        if self.user_id is None or self.kind is not ActorKind.USER:
            raise CredentialKindNotAllowed("only a person may do this")
        self.require_themselves()
        return self.user_id

    def settled_person(self) -> UserId:
        """As `person`. Raises PasswordChangeRequired too."""
        self._require_settled()
        return self.person()

    def require_system(self) -> None:
        """Raises CredentialKindNotAllowed for everybody else."""
        if self.kind is not ActorKind.SYSTEM:
            raise CredentialKindNotAllowed("only the operator at the command line may do this")

    def require_themselves(self) -> None:
        """Raises ForbiddenInImpersonation for somebody who acts as another."""
        if self.real_user_id is not None:
            raise ForbiddenInImpersonation

    def require_no_key(self) -> None:
        """A key touches no passwords, sessions or roles; nor does somebody who acts as another.

        Raises CredentialKindNotAllowed, ForbiddenInImpersonation.
        """
        if self.kind is ActorKind.KEY:
            raise CredentialKindNotAllowed("a key sets no passwords and gives no roles")
        self.require_themselves()

    def require_somebody_else(self, user_id: UserId) -> None:
        """Raises OwnAccount: a permission over others is no way round one's own current password."""
        if user_id == self.user_id:
            raise OwnAccount

    def require_covers(self, permissions: frozenset[str]) -> None:
        """Raises TargetExceedsActor for somebody who may do any of *permissions* that this actor may not."""
        if permissions - self.permissions:
            raise TargetExceedsActor

    def own_session(self) -> SessionId:
        """The session that calls. Raises CredentialKindNotAllowed for a key or the system."""
        if self.session_id is None:
            raise CredentialKindNotAllowed("only a session may ask this")
        return self.session_id

    def own_key(self) -> KeyId:
        """The key that calls. Raises CredentialKindNotAllowed for a user or the system."""
        if self.key_id is None:
            raise CredentialKindNotAllowed("only an API key may ask this")
        return self.key_id

    def _require_settled(self) -> None:
        if self.password_change_required:
            raise PasswordChangeRequired

    def sees(self, owner_id: UserId, *, any_permission: str) -> bool:
        """Whether a row of *owner_id* is the actor's own, or the row rule is lifted."""
        return owner_id == self.user_id or self.may(any_permission)


def let_in(members: dict[str, Any]) -> Actor:
    """``Actor(**members)`` in a sixth of the time, for whoever lets somebody in at every request: a frozen dataclass
    sets each of its members by a call of its own, those by default too. *members* are the actor's from then on.
    """
    actor = object.__new__(Actor)
    object.__setattr__(actor, "__dict__", members)
    return actor


def anonymous(origin: Origin, user_id: UserId | None = None) -> Actor:
    """Who acts before there is a session: registering or signing in, perhaps as *user_id*. May do nothing."""
    return Actor(kind=ActorKind.USER, permissions=frozenset(), user_id=user_id, origin=origin)


def system(permissions: frozenset[str]) -> Actor:
    """The operator at the command line."""
    return Actor(kind=ActorKind.SYSTEM, permissions=permissions)
