from dataclasses import dataclass

from adapters.memory.tables import Table
from domain.model.ids import RoleId, UserId
from domain.model.roles import Role
from domain.model.users import User


@dataclass(frozen=True, slots=True)
class Membership:
    role_id: RoleId
    user_id: UserId


class MemoryRoleRepository:
    def __init__(self, roles: Table[Role], memberships: Table[Membership], users: Table[User]) -> None:
        self._roles = roles
        self._memberships = memberships
        self._users = users

    async def get(self, role_id: RoleId) -> Role:
        return self._roles.get(role_id)

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        return roles_of(user_id, self._roles, self._memberships)

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        self._roles.writing.require(role_id)
        self._users.writing.require(user_id)
        membership = Membership(role_id, user_id)
        self._memberships.writing.put(membership, membership)

    async def has_active_member(self, role_id: RoleId) -> bool:
        memberships = self._memberships.where("role", role_id)
        return any(self._users.get(membership.user_id).is_active for membership in memberships)


def roles_of(user_id: UserId, roles: Table[Role], memberships: Table[Membership]) -> tuple[Role, ...]:
    held = (roles.get(membership.role_id) for membership in memberships.where("user", user_id))
    return tuple(sorted(held, key=lambda role: (role.name, role.id)))
