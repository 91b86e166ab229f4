"""Named sets of permissions that an API key may be given."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.errors import Invalid, NotFound, ScopeExceedsActor
from domain.model.actors import Actor
from domain.model.ids import ScopeId
from domain.model.leases import united
from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS, ProjectPermission, TaskPermission

_READ: frozenset[str] = frozenset({ProjectPermission.READ, TaskPermission.READ})
_WRITER: frozenset[str] = _READ | {
    ProjectPermission.CREATE,
    ProjectPermission.UPDATE,
    TaskPermission.CREATE,
    TaskPermission.UPDATE,
    TaskPermission.DELETE,
}
BUILT_IN_SCOPES: Mapping[str, frozenset[str]] = {"read": _READ, "writer": _WRITER}
SCOPES_MAX = 64
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every permission that exists, an extension's included, every scope made of them, and what *members* may.

    Each permission is also a scope of one.
    """

    permissions: frozenset[str] = CORE_PERMISSIONS
    scopes: Mapping[str, frozenset[str]] = field(default_factory=lambda: BUILT_IN_SCOPES)
    members: frozenset[str] = MEMBER_PERMISSIONS

    def known(self, scopes: Iterable[str]) -> frozenset[str]:
        """*scopes*, each of which exists. Raises Invalid naming the place of the first that does not."""
        given = tuple(scopes)
        if not 1 <= len(given) <= SCOPES_MAX:
            raise Invalid("scopes", f"has 1 to {SCOPES_MAX} scopes")
        for place, scope in enumerate(given):
            if scope not in self.scopes and scope not in self.permissions:
                raise Invalid(f"scopes/{place}", "is not a scope that exists")
        return frozenset(given)

    def permissions_of(self, scopes: Iterable[str]) -> frozenset[str]:
        """The union of *scopes*; one that no longer exists allows nothing."""
        return united(tuple(map(self._meaning, scopes)))

    def has(self, scope: str) -> bool:
        """Whether *scope* is built in, or one of a single permission."""
        return scope in self.scopes or scope in self.permissions

    def including(self, defined: Iterable["Scope"]) -> "Catalogue":
        """With the scopes that somebody has *defined*; what is built in keeps its meaning."""
        added = {scope.name: scope.permissions & self.permissions for scope in defined}
        return replace(self, scopes={**added, **self.scopes}) if added else self

    def _meaning(self, scope: str) -> frozenset[str]:
        if scope in self.scopes:
            return self.scopes[scope]
        return frozenset({scope}) & self.permissions


def scope_name(raw: str) -> str:
    """2 to 64 of a-z, 0-9, ``_`` and ``-``: it is never mistaken for a permission. Raises NotFound, as an id would."""
    if _NAME.fullmatch(raw) is None:
        raise NotFound
    return raw


def is_definable(scope: str) -> bool:
    """Whether *scope* may be one that somebody has defined, by its form."""
    return scope not in BUILT_IN_SCOPES and _NAME.fullmatch(scope) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A set of permissions under a name of its own, which somebody has defined."""

    id: ScopeId
    name: str
    permissions: frozenset[str]
    description: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def redefine(self, *, permissions: frozenset[str], description: str | None, now: datetime) -> "Scope":
        return replace(self, permissions=permissions, description=description, updated_at=now)

    def difference(self, after: "Scope") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        pairs = {
            "permissions": (sorted(self.permissions), sorted(after.permissions)),
            "description": (self.description, after.description),
        }
        return {member: {"before": old, "after": new} for member, (old, new) in pairs.items() if old != new}

    def require_within(self, actor: Actor) -> None:
        """Nobody lifts himself, or a key of his. Raises ScopeExceedsActor."""
        if beyond := self.permissions - actor.permissions:
            raise ScopeExceedsActor(beyond)
