from typing import Protocol

from domain.model.ids import RoleId, UserId
from domain.model.queries import Page, Query
from domain.model.roles import Role


class RoleRepository(Protocol):
    """The built-in roles are there from the start. A name is unique."""

    async def add(self, role: Role) -> None:
        """Raises RoleNameTaken."""

    async def get(self, role_id: RoleId) -> Role:
        """Raises RoleNotFound."""

    async def save(self, role: Role) -> Role:
        """The role with its next version. Raises RoleNotFound, EditConflict, RoleNameTaken."""

    async def delete(self, role: Role) -> None:
        """Whoever holds it, holds it no longer. Raises RoleNotFound, EditConflict."""

    async def list(self, query: Query) -> Page[Role]:
        """By ROLE_FIELDS."""

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        """By name, inactive ones too; none for a user who does not exist."""

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        """The same when it is said again. Raises RoleNotFound, UserNotFound."""

    async def revoke(self, role_id: RoleId, user_id: UserId) -> None:
        """The same when it is said again, or was never granted."""

    async def has_member(self, role_id: RoleId) -> bool:
        """Whether anybody holds the role, active or not."""

    async def count_active_members(self, role_id: RoleId) -> int:
        """How many active users hold the role. In a unit of work that writes, whoever else asks this about the role
        waits until the unit ends: so the number holds for those who ask before they make it smaller.
        """
