from adapters.memory.tables import Table, update
from domain.model.ids import UserId
from domain.model.users import EmailAddress, User, Username


class MemoryUserRepository:
    def __init__(self, users: Table[User]) -> None:
        self._users = users

    async def add(self, user: User) -> None:
        self._users.writing.insert(user)

    async def get(self, user_id: UserId) -> User:
        return self._users.get(user_id)

    async def find_by_email(self, email: EmailAddress) -> User | None:
        return self._users.only("email", email)

    async def find_by_username(self, name: Username) -> User | None:
        return self._users.only("username", name)

    async def save(self, user: User) -> User:
        return update(self._users.writing, user)
