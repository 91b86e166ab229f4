"""Named sets of permissions that an API key may be given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.errors import Invalid
from domain.model.permissions import CORE_PERMISSIONS, ProjectPermission, TaskPermission

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
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every permission that exists, an extension's included, and every scope made of them.

    Each permission is also a scope of one.
    """

    permissions: frozenset[str] = CORE_PERMISSIONS
    scopes: Mapping[str, frozenset[str]] = field(default_factory=lambda: BUILT_IN_SCOPES)

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
        return _NOTHING.union(*map(self._meaning, scopes))

    def _meaning(self, scope: str) -> frozenset[str]:
        if scope in self.scopes:
            return self.scopes[scope]
        return frozenset({scope}) & self.permissions
