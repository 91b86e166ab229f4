"""Named sets of permissions that are given to users."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain.model.ids import RoleId
from domain.model.permissions import KeyPermission, ProjectPermission, TaskPermission

ADMIN_ID = RoleId(UUID("01900000-0000-7000-8000-000000000001"))
MEMBER_ID = RoleId(UUID("01900000-0000-7000-8000-000000000002"))
_NOTHING: frozenset[str] = frozenset()
_SINCE_EVER = datetime(2024, 6, 1, tzinfo=UTC)

MEMBER_PERMISSIONS: frozenset[str] = frozenset(
    {
        ProjectPermission.CREATE,
        ProjectPermission.READ,
        ProjectPermission.UPDATE,
        ProjectPermission.DELETE,
        KeyPermission.CREATE,
        KeyPermission.READ,
        KeyPermission.UPDATE,
        KeyPermission.ROTATE,
        KeyPermission.REVOKE,
        *TaskPermission,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An inactive role grants nothing. What a built-in one grants is in code, not in its row."""

    id: RoleId
    name: str
    permissions: frozenset[str] = frozenset()
    description: str | None = None
    is_active: bool = True
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def built_in(self) -> bool:
        return self.id in {ADMIN_ID, MEMBER_ID}

    def grants(self, every: frozenset[str]) -> frozenset[str]:
        """What this role allows where *every* permission that exists is known."""
        if not self.is_active:
            return _NOTHING
        if self.id == ADMIN_ID:
            return every
        return MEMBER_PERMISSIONS if self.id == MEMBER_ID else self.permissions & every


ADMIN = Role(id=ADMIN_ID, name="admin", description="Every permission.", created_at=_SINCE_EVER, updated_at=_SINCE_EVER)
MEMBER = Role(
    id=MEMBER_ID,
    name="member",
    description="Own projects, tasks and keys.",
    created_at=_SINCE_EVER,
    updated_at=_SINCE_EVER,
)
BUILT_IN = (ADMIN, MEMBER)


def permissions_of(roles: Iterable[Role], every: frozenset[str]) -> frozenset[str]:
    """Exactly the union of what the active *roles* grant."""
    return _NOTHING.union(*(role.grants(every) for role in roles))
