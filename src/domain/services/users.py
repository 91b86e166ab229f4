from collections.abc import Collection, Iterable

from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, require_version
from domain.model.ids import RoleId, UserId
from domain.model.mails import MailKind
from domain.model.passwords import PasswordPolicy
from domain.model.permissions import UserPermission
from domain.model.queries import Page, Query
from domain.model.roles import ADMIN_ID
from domain.model.scopes import Catalogue
from domain.model.users import USER_FIELDS, EmailAddress, User, display_name, email_address, username
from domain.ports.security import PasswordHasher
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.mails import Outbox
from domain.services.memberships import permissions_held, require_another_admin, require_may_give
from domain.services.newcomers import Newcomers
from domain.services.retries import settled
from domain.services.throttles import Throttle


class UserService:
    """What some people may do with the accounts of others, of those at most who may do no more than they."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        newcomers: Newcomers,
        passwords: PasswordHasher,
        policy: PasswordPolicy,
        throttle: Throttle,
        catalogue: Catalogue,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._newcomers = newcomers
        self._passwords = passwords
        self._policy = policy
        self._throttle = throttle
        self._catalogue = catalogue
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    async def create(
        self,
        actor: Actor,
        *,
        email: str,
        password: str | None = None,
        login: str | None = None,
        name: str | None = None,
        role_ids: Iterable[RoleId] = (),
        once: Once[User] = REPEATEDLY,
    ) -> User:
        """A member, unless *role_ids* says otherwise. Without a password a link to set one is mailed.

        Raises PermissionDenied, ForbiddenInImpersonation, CredentialKindNotAllowed, Invalid, RoleExceedsActor,
        EmailTaken, UsernameTaken, Unavailable.
        """
        actor.require(UserPermission.CREATE)
        actor.require_themselves()
        if password is not None:
            actor.require_no_key()
        user = await self._newcomers.prepare(email=email, password=password, login=login, name=name)
        async with self._uow() as work:
            given = await require_may_give(work, actor, role_ids, self._catalogue)
            await self._newcomers.add(work, actor, user, given, action="user.created")
            kind = MailKind.WELCOME if password is None else MailKind.EMAIL_VERIFICATION
            await self._outbox.queue(work, kind, user.email, user_id=user.id)
            await once.keep(work, user)
        return user

    async def has_admin(self, actor: Actor) -> bool:
        """Whether some active user holds the built-in role. Raises PermissionDenied."""
        actor.require(UserPermission.READ)
        async with self._uow.reading() as work:
            return await work.roles.count_active_members(ADMIN_ID) > 0

    async def get(self, actor: Actor, user_id: UserId) -> User:
        """Raises PermissionDenied, UserNotFound."""
        actor.require(UserPermission.READ)
        async with self._uow.reading() as work:
            return await work.users.get(user_id)

    async def find(self, actor: Actor, email: str) -> User | None:
        """Raises PermissionDenied, Invalid."""
        actor.require(UserPermission.READ)
        async with self._uow.reading() as work:
            return await work.users.find_by_email(email_address(email))

    async def list(self, actor: Actor, query: Query) -> Page[User]:
        """Raises PermissionDenied, Invalid."""
        actor.require(UserPermission.READ)
        checked = query.within(USER_FIELDS)
        async with self._uow.reading() as work:
            return await work.users.list(checked)

    async def update(
        self,
        actor: Actor,
        user_id: UserId,
        *,
        name: str | Unset | None = UNSET,
        login: str | Unset | None = UNSET,
        email: str | Unset = UNSET,
        is_active: bool | Unset = UNSET,
        expected: Collection[int] | None = None,
    ) -> User:
        """Change what is given; a new address waits to be verified, and who is deactivated is signed out everywhere.

        Raises PermissionDenied, ForbiddenInImpersonation, OwnAccount for one's own address, Invalid, UserNotFound,
        TargetExceedsActor, PreconditionFailed, LastAdmin, EmailTaken, UsernameTaken, EditConflict.
        """
        if not all(isinstance(member, Unset) for member in (name, login, email)):
            actor.require(UserPermission.UPDATE)
        if not isinstance(is_active, Unset):
            actor.require(UserPermission.DEACTIVATE)
        if not isinstance(email, Unset):
            actor.require_somebody_else(user_id)
        shown = display_name(name) if isinstance(name, str) else name
        handle = username(login) if isinstance(login, str) else login
        address = email if isinstance(email, Unset) else email_address(email)
        async with self._uow() as work:
            user = await self._within_reach(work, actor, user_id)
            require_version(user.version, expected)
            edited = user.edit(name=shown, username=handle, now=self._clock.now())
            moved = await self._moved(work, edited, address)
            return await self._saved(work, actor, user, await self._switched(work, moved, is_active))

    async def deactivate(self, actor: Actor, user_id: UserId, *, expected: Collection[int] | None = None) -> None:
        """Said again, it changes nothing. Raises as `update` does."""
        await settled(lambda: self.update(actor, user_id, is_active=False, expected=expected))

    async def set_password(self, actor: Actor, user_id: UserId, *, new: str) -> None:
        """The user is signed out everywhere, and changes it before anything else; keys go on.

        Raises PermissionDenied, CredentialKindNotAllowed, ForbiddenInImpersonation, OwnAccount, UserNotFound,
        TargetExceedsActor, Invalid, Unavailable, EditConflict.
        """
        actor.require(UserPermission.RESET_PASSWORD)
        actor.require_no_key()
        actor.require_somebody_else(user_id)
        async with self._uow.reading() as work:
            user = await self._within_reach(work, actor, user_id)
        accepted = self._policy.accept(new, about=(user.email, user.username, user.name), field="new_password")
        password_hash = await self._passwords.hash(accepted)
        await settled(lambda: self._password_set(actor, user_id, password_hash))

    async def unlock(self, actor: Actor, user_id: UserId) -> None:
        """Failed attempts to sign in count no longer.

        Raises PermissionDenied, ForbiddenInImpersonation, UserNotFound, TargetExceedsActor.
        """
        actor.require(UserPermission.UNLOCK)
        async with self._uow() as work:
            user = await self._within_reach(work, actor, user_id)
            await self._throttle.unlock(work, user.id)
            await self._recorder.record(work, actor, "user.unlocked", user.id)

    async def _password_set(self, actor: Actor, user_id: UserId, password_hash: str) -> None:
        now = self._clock.now()
        async with self._uow() as work:
            user = await self._within_reach(work, actor, user_id)
            await work.one_time_tokens.remove_of_user(user_id)
            await work.users.save(user.with_password(password_hash, by_somebody_else=True, now=now))
            ended = await work.sessions.end_all(user_id, now=now)
            await self._recorder.record(work, actor, "user.password_set", user_id, {"sessions_ended": ended})
            await self._outbox.queue(work, MailKind.PASSWORD_CHANGED, user.email, user_id=user_id)

    async def _within_reach(self, work: UnitOfWork, actor: Actor, user_id: UserId) -> User:
        actor.require_themselves()
        user = await work.users.get(user_id)
        actor.require_covers(await permissions_held(work, self._catalogue, user_id))
        return user

    async def _moved(self, work: UnitOfWork, user: User, address: EmailAddress | Unset) -> User:
        if isinstance(address, Unset) or address == user.email:
            return user
        await work.one_time_tokens.remove_of_user(user.id)
        await self._outbox.queue(work, MailKind.EMAIL_VERIFICATION, address, user_id=user.id)
        await self._outbox.queue(work, MailKind.EMAIL_CHANGED, user.email, user_id=user.id)
        return user.with_email(address, verified_at=None, now=self._clock.now())

    async def _switched(self, work: UnitOfWork, user: User, is_active: bool | Unset) -> User:
        if isinstance(is_active, Unset) or is_active == user.is_active:
            return user
        if not is_active:
            await require_another_admin(work, user.id)
            await work.users.lock(user.id)  # no session begins between their end and the save
            await work.one_time_tokens.remove_of_user(user.id)
        return user.activated(is_active, now=self._clock.now())

    async def _saved(self, work: UnitOfWork, actor: Actor, user: User, edited: User) -> User:
        if not (changes := user.difference(edited)):
            return user
        saved = await work.users.save(edited)
        if not edited.is_active:  # after the save: a session may have begun before it, and none does any more
            await work.sessions.end_all(user.id, now=self._clock.now())
        if edited.is_active != user.is_active:
            action = "user.reactivated" if edited.is_active else "user.deactivated"
        else:
            action = "user.updated"
        await self._recorder.record(work, actor, action, user.id, changes)
        return saved
