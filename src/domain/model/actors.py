"""Who the service decided is calling, and what they may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_network

from domain.errors import CredentialKindNotAllowed, PermissionDenied
from domain.model.ids import KeyId, ProjectId, SessionId, UserId
from domain.model.limits import Policy


class ActorKind(StrEnum):
    USER = "user"
    KEY = "key"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a call came from, for the audit trail and for network rules. Every member may be unknown."""

    address: str | None = None
    request_id: str | None = None
    user_agent: str | None = None


NOWHERE = Origin()


def neighbourhood(address: str | None) -> str | None:
    """What counts as one client: an IPv6 one hops inside its /64, an IPv4 one keeps its address."""
    if address is None or ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """*permissions* is what the credential may do now: a key's are already cut to its owner's."""

    kind: ActorKind
    permissions: frozenset[str]
    user_id: UserId | None = None
    session_id: SessionId | None = None
    key_id: KeyId | None = None
    scopes: frozenset[str] = frozenset()
    project_ids: frozenset[ProjectId] = frozenset()
    """The only projects that a restricted key may touch; empty means no restriction."""
    limits: tuple[Policy, ...] = ()
    """A key's own limits, in place of the default."""
    expires_at: datetime | None = None
    """When the key that calls ends, if it does."""
    origin: Origin = NOWHERE

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, *permissions: str) -> None:
        """Raises PermissionDenied, naming every permission that is missing."""
        if missing := frozenset(permissions) - self.permissions:
            raise PermissionDenied(missing)

    def owner(self) -> UserId:
        """The user whose rows this actor makes and owns. Raises CredentialKindNotAllowed for the system."""
        if self.user_id is None:
            raise CredentialKindNotAllowed("the system owns nothing; name an owner")
        return self.user_id

    def own_key(self) -> KeyId:
        """The key that calls. Raises CredentialKindNotAllowed for a user or the system."""
        if self.key_id is None:
            raise CredentialKindNotAllowed("only an API key may ask this")
        return self.key_id

    def sees(self, owner_id: UserId, *, any_permission: str) -> bool:
        """Whether a row of *owner_id* is the actor's own, or the row rule is lifted."""
        return owner_id == self.user_id or self.may(any_permission)


def anonymous(origin: Origin, user_id: UserId | None = None) -> Actor:
    """Who acts before there is a session: registering or signing in, perhaps as *user_id*. May do nothing."""
    return Actor(kind=ActorKind.USER, permissions=frozenset(), user_id=user_id, origin=origin)


def system(permissions: frozenset[str]) -> Actor:
    """The operator at the command line."""
    return Actor(kind=ActorKind.SYSTEM, permissions=permissions)
