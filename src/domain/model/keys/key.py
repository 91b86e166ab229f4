from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.errors import Invalid, KeyEnded, KeyNotFound
from domain.model.actors import Actor, ActorKind, Retirement
from domain.model.changes import UNSET, Unset
from domain.model.ids import KeyId, ProjectId, UserId
from domain.model.limits import Policy
from domain.model.networks import Network
from domain.model.permissions import KeyPermission
from domain.model.queries import Choice, Field, Fields, Id, Instant, Members, Text
from domain.model.texts import NAME_LIMIT

IMPORTED = "import:"
"""How the pepper of a digest is named that another service made."""
SCOPE_LIMIT = 64


class KeyStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


ENDED = frozenset({KeyStatus.REVOKED, KeyStatus.EXPIRED})


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

    @property
    def is_imported(self) -> bool:
        """Whether it is kept as another service kept it: it has not been used here yet."""
        return self.pepper_id.startswith(IMPORTED)

    def is_live(self, *, now: datetime) -> bool:
        return self.retires_at is None or now < self.retires_at

    def retire(self, *, at: datetime) -> "SecretVersion":
        """The earliest end counts."""
        return self if self.retires_at is not None and self.retires_at <= at else replace(self, retires_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What of a key is to be another; what is UNSET stays as it is."""

    name: str | Unset = UNSET
    description: str | Unset | None = UNSET
    scopes: frozenset[str] | Unset = UNSET
    expires_at: datetime | Unset | None = UNSET
    metadata: Mapping[str, object] | Unset = UNSET
    limits: tuple[Policy, ...] | Unset = UNSET
    allowed_networks: tuple[Network, ...] | Unset = UNSET
    project_ids: frozenset[ProjectId] | Unset = UNSET


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

    @property
    def last_used_at(self) -> datetime | None:
        """Of the secret that was used last."""
        return max((at for secret in self.secrets if (at := secret.last_used_at) is not None), default=None)

    def is_own(self, actor: Actor) -> bool:
        """Whether *actor* is its owner, or the key itself; another key of the same owner is neither."""
        return actor.key_id == self.id if actor.kind is ActorKind.KEY else actor.user_id == self.owner_id

    def edit(self, change: KeyChange, *, longest: timedelta | None, now: datetime) -> "Key":
        """*longest* is the operator's cap on its whole life. Raises KeyEnded, Invalid."""
        self._require_unended(now)
        given: dict[str, Any] = {member.name: getattr(change, member.name) for member in fields(change)}
        edited = replace(self, **{name: value for name, value in given.items() if value is not UNSET})
        if longest is not None and change.expires_at is not UNSET:
            edited._require_at_most(longest)
        return edited

    def rotate(self, *, digest: bytes, pepper_id: str, last4: str, grace: timedelta, now: datetime) -> "Key":
        """With a new secret. The last one lives on for *grace*, if the key does; whatever came before it ends now.

        Raises KeyEnded.
        """
        self._require_unended(now)
        ends = now + grace if self.expires_at is None else min(now + grace, self.expires_at)
        older = (secret.retire(at=now) for secret in self.secrets[:-1])
        secret = SecretVersion(
            version=self.newest.version + 1, digest=digest, pepper_id=pepper_id, last4=last4, created_at=now
        )
        return replace(self, secrets=(*older, self.newest.retire(at=ends), secret))

    def end_secret(self, version: int, *, now: datetime) -> "Key":
        """Without that secret, or without its newest ended altogether. The same when it is said again."""
        if version == self.newest.version:
            return self.revoke(now=now)
        secrets = tuple(secret.retire(at=now) if secret.version == version else secret for secret in self.secrets)
        return self if secrets == self.secrets else replace(self, secrets=secrets)

    def retirement_of(self, secret: SecretVersion) -> Retirement | None:
        """Since when another has taken the place of *secret*, and until when it is still good; None for the newest."""
        if secret.retires_at is None or secret.version >= self.newest.version:
            return None
        since = next(other.created_at for other in self.secrets if other.version > secret.version)
        until = secret.retires_at if self.expires_at is None else min(secret.retires_at, self.expires_at)
        return Retirement(since, until)

    def suspend(self, *, now: datetime) -> "Key":
        """Until it is resumed; the same when it is said again. Raises KeyEnded."""
        self._require_unended(now)
        return self if self.suspended_at is not None else replace(self, suspended_at=now)

    def resume(self, *, now: datetime) -> "Key":
        """The same when it is said again. Raises KeyEnded."""
        self._require_unended(now)
        return self if self.suspended_at is None else replace(self, suspended_at=None)

    def revoke(self, *, now: datetime) -> "Key":
        """Final, and the same when it is said again."""
        return self if self.revoked_at is not None else replace(self, revoked_at=now)

    def difference(self, after: "Key") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        before, now = _shown(self), _shown(after)
        return {name: {"before": before[name], "after": now[name]} for name in before if before[name] != now[name]}

    def _require_at_most(self, longest: timedelta) -> None:
        if self.expires_at is None or self.expires_at > self.created_at + longest:
            raise Invalid("expires_at", f"is at most {longest.days} days after the key's creation")

    def _require_unended(self, now: datetime) -> None:
        """What ended does not come back by another expiry either: the quota on live keys would be none."""
        if self.status(now=now) in ENDED:
            raise KeyEnded


KEY_FIELDS = Fields(
    Field("status", Choice(KeyStatus), judged=lambda key, now: key.status(now=now)),
    Field("scope", Members(SCOPE_LIMIT), of="scopes"),
    Field("owner_id", Id()),
    Field("name", Text(NAME_LIMIT), sorts=True),
    Field("expires_at", Instant(), sorts=True, optional=True),
    Field("created_at", Instant(), sorts=True),
    Field("last_used_at", Instant(), optional=True),
)


def _shown(key: Key) -> dict[str, object]:
    return {
        "name": key.name,
        "description": key.description,
        "scopes": sorted(key.scopes),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "metadata": dict(key.metadata),
        "limits": list(map(str, key.limits)),
        "allowed_networks": list(map(str, key.allowed_networks)),
        "project_ids": sorted(map(str, key.project_ids)),
    }
