from typing import Protocol

from domain.model.ids import RoleId, UserId
from domain.model.queries import Page, Query
from domain.model.users import EmailAddress, User, Username


class UserRepository(Protocol):
    """An address is unique, and so is a user name; where both are taken, either may be the one that is told."""

    async def add(self, user: User) -> None:
        """Raises EmailTaken, UsernameTaken."""

    async def get(self, user_id: UserId) -> User:
        """Raises UserNotFound."""

    async def lock(self, user_id: UserId) -> User:
        """As `get`; and nobody else saves the user, or locks it too, until the unit ends. Raises UserNotFound."""

    async def find_by_email(self, email: EmailAddress) -> User | None: ...

    async def find_by_username(self, name: Username) -> User | None: ...

    async def save(self, user: User) -> User:
        """The user with its next version. Raises UserNotFound, EditConflict, EmailTaken, UsernameTaken."""

    async def list(self, query: Query, *, role_id: RoleId | None = None) -> Page[User]:
        """By USER_FIELDS; of those who hold the role, where one is given."""
