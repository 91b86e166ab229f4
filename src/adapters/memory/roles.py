from dataclasses import dataclass

from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.model.ids import RoleId, UserId
from domain.model.leases import subject
from domain.model.queries import Page, Query
from domain.model.roles import Role
from domain.model.users import User


@dataclass(frozen=True, slots=True)
class Membership:
    role_id: RoleId
    user_id: UserId


class MemoryRoleRepository:
    def __init__(
        self, roles: Table[Role], memberships: Table[Membership], users: Table[User], changed: Changed
    ) -> None:
        self._changed = changed
        self._roles = roles
        self._memberships = memberships
        self._users = users

    async def add(self, role: Role) -> None:
        self._roles.writing.insert(role)

    async def get(self, role_id: RoleId) -> Role:
        return self._roles.get(role_id)

    async def save(self, role: Role) -> Role:
        self._changed(subject("role", role.id))
        return update(self._roles.writing, role)

    async def delete(self, role: Role) -> None:
        roles = self._roles.writing
        present(roles, role)
        self._changed(subject("role", role.id))
        roles.remove(role.id)
        self._memberships.writing.remove_where("role", role.id)

    async def list(self, query: Query) -> Page[Role]:
        return page_of(self._roles, query)

    async def list_by_user(self, user_id: UserId) -> tuple[Role, ...]:
        return roles_of(user_id, self._roles, self._memberships)

    async def grant(self, role_id: RoleId, user_id: UserId) -> None:
        self._roles.writing.require(role_id)
        self._users.writing.require(user_id)
        self._changed(subject("user", user_id))
        membership = Membership(role_id, user_id)
        self._memberships.writing.put(membership, membership)

    async def revoke(self, role_id: RoleId, user_id: UserId) -> None:
        self._changed(subject("user", user_id))
        self._memberships.writing.remove(Membership(role_id, user_id))

    async def has_member(self, role_id: RoleId) -> bool:
        return self._memberships.only("role", role_id) is not None

    async def count_active_members(self, role_id: RoleId) -> int:
        memberships = self._memberships.where("role", role_id)
        return sum(self._users.get(membership.user_id).is_active for membership in memberships)


def roles_of(user_id: UserId, roles: Table[Role], memberships: Table[Membership]) -> tuple[Role, ...]:
    held = (roles.get(membership.role_id) for membership in memberships.where("user", user_id))
    return tuple(sorted(held, key=lambda role: (role.name, role.id)))
