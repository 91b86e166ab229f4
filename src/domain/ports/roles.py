from typing import Protocol

from domain.model.ids import RoleId, UserId
from domain.model.roles import Role


class RoleRepository(Protocol):
    """The built-in roles are there from the start."""

    async def get(self, role_id: RoleId) -> Role:
        """Raises RoleNotFound."""

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        """By name, inactive ones too; none for a user who does not exist."""

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        """The same when it is said again. Raises RoleNotFound, UserNotFound."""

    async def has_active_member(self, role_id: RoleId) -> bool:
        """Whether some active user holds the role."""
