"""Named sets of permissions that are given to users."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from domain.errors import BuiltIn, Invalid, RoleExceedsActor
from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, changed
from domain.model.ids import RoleId
from domain.model.leases import common, united
from domain.model.queries import Field, Fields, Flag, Instant, Text
from domain.model.scopes import Catalogue
from domain.model.texts import NAME_LIMIT

ADMIN_ID = RoleId(UUID("01900000-0000-7000-8000-000000000001"))
MEMBER_ID = RoleId(UUID("01900000-0000-7000-8000-000000000002"))
ROLES_MAX = 64
"""How many may be given to a newcomer."""
ROLE_FIELDS = Fields(
    Field("name", Text(NAME_LIMIT), sorts=True),
    Field("is_active", Flag()),
    Field("created_at", Instant(), sorts=True),
    Field("updated_at", Instant(), sorts=True),
)
_NOTHING: frozenset[str] = frozenset()
_SINCE_EVER = datetime(2024, 6, 1, tzinfo=UTC)


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

    def writable(self) -> "Role":
        """This role. Raises BuiltIn."""
        if self.built_in:
            raise BuiltIn
        return self

    def edit(
        self,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        permissions: frozenset[str] | Unset = UNSET,
        is_active: bool | Unset = UNSET,
        now: datetime,
    ) -> "Role":
        return replace(
            self,
            name=changed(name, self.name),
            description=changed(description, self.description),
            permissions=changed(permissions, self.permissions),
            is_active=changed(is_active, self.is_active),
            updated_at=now,
        )

    def difference(self, after: "Role") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        pairs = {
            "name": (self.name, after.name),
            "description": (self.description, after.description),
            "permissions": (sorted(self.permissions), sorted(after.permissions)),
            "is_active": (self.is_active, after.is_active),
        }
        return {member: {"before": old, "after": new} for member, (old, new) in pairs.items() if old != new}

    def require_within(self, actor: Actor, catalogue: Catalogue) -> None:
        """Nobody lifts themselves: who makes, changes or gives a role may do all that it grants.

        Raises RoleExceedsActor.
        """
        if beyond := self.holds(catalogue) - actor.permissions:
            raise RoleExceedsActor(beyond)

    def holds(self, catalogue: Catalogue) -> frozenset[str]:
        """What it grants, or would if it were active."""
        return replace(self, is_active=True).grants(catalogue)

    def grants(self, catalogue: Catalogue) -> frozenset[str]:
        """What this role allows where *catalogue* is what exists."""
        return HeldRole(self.id, self.is_active, self.permissions).grants(catalogue)


class HeldRole(NamedTuple):
    """Of a role what it gives to whoever holds it, and no more."""

    id: RoleId
    is_active: bool
    permissions: frozenset[str]

    def grants(self, catalogue: Catalogue) -> frozenset[str]:
        """As `Role.grants`."""
        if not self.is_active:
            return _NOTHING
        if self.id == ADMIN_ID:
            return catalogue.permissions
        return catalogue.members if self.id == MEMBER_ID else common(frozenset(self.permissions), catalogue.permissions)


def known_permissions(raw: Iterable[str], every: frozenset[str], field: str = "permissions") -> frozenset[str]:
    """*raw*, each of which exists. Raises Invalid naming the place of the first that does not."""
    given = tuple(raw)
    for place, permission in enumerate(given):
        if permission not in every:
            raise Invalid(f"{field}/{place}", "is not a permission that exists")
    return frozenset(given)


ADMIN = Role(id=ADMIN_ID, name="admin", description="Every permission.", created_at=_SINCE_EVER, updated_at=_SINCE_EVER)
MEMBER = Role(
    id=MEMBER_ID,
    name="member",
    description="Own projects, tasks and keys.",
    created_at=_SINCE_EVER,
    updated_at=_SINCE_EVER,
)
BUILT_IN = (ADMIN, MEMBER)


def permissions_of(roles: Iterable[Role | HeldRole], catalogue: Catalogue) -> frozenset[str]:
    """Exactly the union of what the active *roles* grant."""
    return united(tuple([role.grants(catalogue) for role in roles]))
