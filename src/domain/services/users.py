from dataclasses import dataclass
from enum import StrEnum

from domain.errors import RegistrationClosed
from domain.model.actors import Actor, Origin, anonymous
from domain.model.ids import RoleId, UserId
from domain.model.passwords import PasswordPolicy
from domain.model.permissions import UserPermission
from domain.model.roles import ADMIN_ID, MEMBER_ID, Role, permissions_of
from domain.model.scopes import Catalogue
from domain.model.users import User, display_name, email_address, username
from domain.ports.security import PasswordHasher
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder


class Registration(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Profile:
    user: User
    roles: tuple[Role, ...]
    permissions: frozenset[str]


class UserService:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        passwords: PasswordHasher,
        policy: PasswordPolicy,
        registration: Registration,
        catalogue: Catalogue,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._policy = policy
        self._registration = registration
        self._catalogue = catalogue
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    async def register(
        self, origin: Origin, *, email: str, password: str, login: str | None = None, name: str | None = None
    ) -> User:
        """Raises RegistrationClosed, Invalid, EmailTaken, UsernameTaken, Unavailable."""
        if self._registration is not Registration.OPEN:
            raise RegistrationClosed
        user = await self._new_user(email=email, password=password, login=login, name=name)
        async with self._uow() as work:
            await work.users.add(user)
            await work.roles.grant(MEMBER_ID, user.id)
            await self._recorder.record(work, anonymous(origin, user.id), "user.registered", user.id)
        return user

    async def create(self, actor: Actor, *, email: str, password: str) -> User:
        """A member. Raises PermissionDenied, Invalid, EmailTaken, Unavailable."""
        actor.require(UserPermission.CREATE)
        return await self._create(actor, MEMBER_ID, email=email, password=password)

    async def create_admin(self, actor: Actor, *, email: str, password: str) -> User:
        """Nobody gives what they lack. Raises PermissionDenied, Invalid, EmailTaken, Unavailable."""
        actor.require(UserPermission.CREATE, *self._catalogue.permissions)
        return await self._create(actor, ADMIN_ID, email=email, password=password)

    async def has_admin(self, actor: Actor) -> bool:
        """Whether some active user holds the built-in role. Raises PermissionDenied."""
        actor.require(UserPermission.READ)
        async with self._uow.reading() as work:
            return await work.roles.count_active_members(ADMIN_ID) > 0

    async def me(self, actor: Actor) -> Profile:
        """Raises CredentialKindNotAllowed, UserNotFound."""
        async with self._uow.reading() as work:
            user = await work.users.get(actor.owner())
            roles = await work.roles.list_by_user(user.id)
        return Profile(user, roles, permissions_of(roles, self._catalogue.permissions))

    async def _create(self, actor: Actor, role_id: RoleId, *, email: str, password: str) -> User:
        user = await self._new_user(email=email, password=password)
        async with self._uow() as work:
            await work.users.add(user)
            await work.roles.grant(role_id, user.id)
            await self._recorder.record(work, actor, "user.created", user.id)
            await self._recorder.record(work, actor, "role.granted", role_id, {"user_id": str(user.id)})
        return user

    async def _new_user(self, *, email: str, password: str, login: str | None = None, name: str | None = None) -> User:
        address = email_address(email)
        handle = None if login is None else username(login)
        shown = None if name is None else display_name(name)
        accepted = self._policy.accept(password, about=(address, handle, shown))
        now = self._clock.now()
        return User(
            id=UserId(self._ids.new()),
            email=address,
            username=handle,
            name=shown,
            password_hash=await self._passwords.hash(accepted),
            created_at=now,
            updated_at=now,
        )
