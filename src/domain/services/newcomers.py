"""Somebody new, to the service or to an address."""

from collections.abc import Iterable

from domain.errors import EmailTaken
from domain.model.actors import Actor
from domain.model.ids import RoleId, UserId
from domain.model.passwords import PasswordPolicy
from domain.model.users import EmailAddress, User, display_name, email_address, username
from domain.ports.security import PasswordHasher
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork
from domain.services.audit import Recorder


class Newcomers:
    def __init__(
        self, *, passwords: PasswordHasher, policy: PasswordPolicy, recorder: Recorder, clock: Clock, ids: IdGenerator
    ) -> None:
        self._passwords = passwords
        self._policy = policy
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    async def prepare(
        self, *, email: str, password: str | None, login: str | None = None, name: str | None = None
    ) -> User:
        """Not kept yet. Raises Invalid, Unavailable."""
        address = email_address(email)
        handle = None if login is None else username(login)
        shown = None if name is None else display_name(name)
        accepted = None if password is None else self._policy.accept(password, about=(address, handle, shown))
        now = self._clock.now()
        return User(
            id=UserId(self._ids.new()),
            email=address,
            username=handle,
            name=shown,
            password_hash=None if accepted is None else await self._passwords.hash(accepted),
            created_at=now,
            updated_at=now,
        )

    async def add(self, work: UnitOfWork, actor: Actor, user: User, role_ids: Iterable[RoleId], *, action: str) -> None:
        """Keep *user* with these roles. Raises EmailTaken, UsernameTaken, RoleNotFound."""
        await work.users.add(user)
        await self._recorder.record(work, actor, action, user.id)
        for role_id in sorted(role_ids):
            await work.roles.grant(role_id, user.id)
            await self._recorder.record(work, actor, "role.granted", role_id, {"user_id": str(user.id)})

    async def make_room(self, work: UnitOfWork, actor: Actor, email: EmailAddress) -> None:
        """Take *email* from an account that never verified it: *actor* has. Raises EmailTaken for a verified one."""
        holder = await work.users.find_by_email(email)
        if holder is None:
            return
        if holder.email_verified_at is not None:
            raise EmailTaken
        await work.one_time_tokens.remove_of_user(holder.id)
        await work.users.save(holder.without_email(now=self._clock.now()))
        await self._recorder.record(work, actor, "user.email_lost", holder.id)
