from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.roles import Membership
from adapters.memory.tables import Table, update
from domain.model.ids import RoleId, UserId
from domain.model.leases import subject
from domain.model.queries import Page, Query
from domain.model.users import EmailAddress, User, Username


class MemoryUserRepository:
    def __init__(self, users: Table[User], memberships: Table[Membership], changed: Changed) -> None:
        self._changed = changed
        self._users = users
        self._memberships = memberships

    async def add(self, user: User) -> None:
        self._users.writing.insert(user)

    async def get(self, user_id: UserId) -> User:
        return self._users.get(user_id)

    async def lock(self, user_id: UserId) -> User:
        return self._users.writing.get(user_id)

    async def find_by_email(self, email: EmailAddress) -> User | None:
        return self._users.only("email", email)

    async def find_by_username(self, name: Username) -> User | None:
        return self._users.only("username", name)

    async def save(self, user: User) -> User:
        self._changed(subject("user", user.id))
        return update(self._users.writing, user)

    async def list(self, query: Query, *, role_id: RoleId | None = None) -> Page[User]:
        if role_id is None:
            return page_of(self._users, query)
        holding = self._memberships.where("role", role_id)
        return page_of((self._users.get(membership.user_id) for membership in holding), query)
