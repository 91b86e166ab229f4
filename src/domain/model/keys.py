"""API keys: one stable id, several secrets over its life, and never more power than its owner has."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

from domain.errors import Invalid, KeyNotFound, ScopeExceedsMinter
from domain.model.actors import Actor
from domain.model.ids import KeyId, ProjectId, UserId
from domain.model.limits import Policy
from domain.model.permissions import KeyPermission

Network = IPv4Network | IPv6Network
_CIDR = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
NETWORKS_MAX = 64
PROJECTS_MAX = 64
METADATA_BYTES = 4096
KEY_SORTS = ("created_at", "expires_at", "name")


class KeyStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


def networks(raw: Iterable[str], field: str = "allowed_networks") -> tuple[Network, ...]:
    """Address ranges in CIDR form, host bits zero; an address alone is a range of one. Raises Invalid."""
    given = tuple(raw)
    if len(given) > NETWORKS_MAX:
        raise Invalid(field, f"has at most {NETWORKS_MAX} networks")
    return tuple(_network(text, f"{field}/{place}") for place, text in enumerate(given))


def _network(raw: str, field: str) -> Network:
    try:
        return ip_network(raw if _CIDR.fullmatch(raw) else "")
    except ValueError:
        raise Invalid(field, "is a network in CIDR form, such as 192.0.2.0/24, with its host bits zero") from None


def metadata(raw: Mapping[str, object] | None, field: str = "metadata") -> Mapping[str, object]:
    """A JSON object of at most 4 KiB. Raises Invalid."""
    if raw is None:
        return {}
    try:
        size = len(json.dumps(raw, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (TypeError, ValueError, RecursionError):
        raise Invalid(field, "is a JSON object") from None
    if size > METADATA_BYTES:
        raise Invalid(field, f"has at most {METADATA_BYTES} bytes of JSON")
    return raw


def project_ids(raw: Iterable[ProjectId], field: str = "project_ids") -> frozenset[ProjectId]:
    """Raises Invalid."""
    given = frozenset(raw)
    if len(given) > PROJECTS_MAX:
        raise Invalid(field, f"has at most {PROJECTS_MAX} projects")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion:
    """One secret of a key as we keep it: its digest under the pepper *pepper_id*, never the secret."""

    version: int
    digest: bytes = field(repr=False)
    pepper_id: str
    last4: str
    created_at: datetime
    retires_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_ip: str | None = None
    use_count: int = 0

    def is_live(self, *, now: datetime) -> bool:
        return self.retires_at is None or now < self.retires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and its secrets, newest last; never without one."""

    id: KeyId
    owner_id: UserId
    name: str
    description: str | None = None
    scopes: frozenset[str]
    secrets: tuple[SecretVersion, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    limits: tuple[Policy, ...] = ()
    allowed_networks: tuple[Network, ...] = ()
    project_ids: frozenset[ProjectId] = frozenset()
    created_at: datetime
    expires_at: datetime | None = None
    suspended_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at <= self.created_at:
            raise Invalid("expires_at", "is after the key's creation")

    def status(self, *, now: datetime) -> KeyStatus:
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.SUSPENDED if self.suspended_at is not None else KeyStatus.ACTIVE

    @property
    def newest(self) -> SecretVersion:
        return self.secrets[-1]

    def visible_to(self, actor: Actor) -> "Key":
        """This key, for whoever may see it. Raises KeyNotFound."""
        if not actor.sees(self.owner_id, any_permission=KeyPermission.ANY):
            raise KeyNotFound
        return self

    def revoke(self, *, now: datetime) -> "Key":
        """Final, and the same when it is said again."""
        return self if self.revoked_at is not None else replace(self, revoked_at=now)


def require_within(
    minter: Actor, *, permissions: frozenset[str], expires_at: datetime | None, project_ids: frozenset[ProjectId]
) -> None:
    """Nobody lifts himself: a new key may do no more, live no longer and reach no further than who makes it.

    Raises ScopeExceedsMinter.
    """
    if beyond := permissions - minter.permissions:
        raise ScopeExceedsMinter(f"you may not give what you lack: {', '.join(sorted(beyond))}")
    ends = minter.expires_at
    if ends is not None and (expires_at is None or expires_at > ends):
        raise ScopeExceedsMinter("a key issues no key that outlives it")
    if minter.project_ids and not (project_ids and project_ids <= minter.project_ids):
        raise ScopeExceedsMinter("a key that is bound to projects issues keys bound to the same ones")


def expiry(
    *, at: datetime | None, after: timedelta | None, now: datetime, longest: timedelta | None
) -> datetime | None:
    """When a key made *now* ends; None is never. *longest* is the operator's cap. Raises Invalid."""
    if at is not None and after is not None:
        raise Invalid("expires_in", "is given instead of expires_at, not beside it")
    ends = _instant(at) if after is None else _later(now, after)
    if ends is not None and ends <= now:
        raise Invalid("expires_at" if after is None else "expires_in", "is in the future")
    if longest is None:
        return ends
    if ends is not None and ends > now + longest:
        raise Invalid("expires_at" if after is None else "expires_in", f"is at most {longest.days} days from now")
    return ends or now + longest


def _instant(at: datetime | None) -> datetime | None:
    """*at* in UTC, as every other time is told; at the ends of the calendar that may be no time at all."""
    try:
        return None if at is None else at.astimezone(UTC)
    except OverflowError:
        raise Invalid("expires_at", "lies between the years 1 and 9999 in UTC") from None


def _later(now: datetime, after: timedelta) -> datetime:
    try:
        return now + after
    except OverflowError:
        raise Invalid("expires_in", "ends before the year 10000") from None


@dataclass(frozen=True, slots=True)
class KeyCard:
    """A key as its owner sees it now; *prefix* is how its secret begins."""

    key: Key
    status: KeyStatus
    prefix: str


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its secret, which exists in this one answer and is kept nowhere."""

    card: KeyCard
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revocation:
    """After *effective_at* no worker decides to accept the key."""

    card: KeyCard
    effective_at: datetime
