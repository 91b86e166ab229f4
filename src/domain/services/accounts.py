from collections.abc import Collection
from dataclasses import dataclass

from domain.errors import EditConflict, Invalid
from domain.model.actors import Actor, Origin, anonymous
from domain.model.changes import UNSET, Unset, require_version
from domain.model.mails import MailKind
from domain.model.one_time_tokens import OneTimeToken, TokenPurpose
from domain.model.passwords import PasswordPolicy, normalised
from domain.model.roles import Role, permissions_of
from domain.model.scopes import Catalogue
from domain.model.users import User, display_name, email_address, username
from domain.ports.security import OneTimeSecrets, PasswordHasher
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.mails import Outbox
from domain.services.newcomers import Newcomers
from domain.services.passwords import PasswordProofs, Proof
from domain.services.retries import settled
from domain.services.throttles import Throttle


@dataclass(frozen=True, slots=True)
class Profile:
    user: User
    roles: tuple[Role, ...]
    permissions: frozenset[str]


class AccountService:
    """What people do with their own account."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        newcomers: Newcomers,
        passwords: PasswordHasher,
        policy: PasswordPolicy,
        proofs: PasswordProofs,
        throttle: Throttle,
        secrets: OneTimeSecrets,
        catalogue: Catalogue,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._newcomers = newcomers
        self._passwords = passwords
        self._policy = policy
        self._proofs = proofs
        self._throttle = throttle
        self._secrets = secrets
        self._catalogue = catalogue
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    async def me(self, actor: Actor) -> Profile:
        """Raises CredentialKindNotAllowed, PasswordChangeRequired."""
        async with self._uow.reading() as work:
            user = await work.users.get(actor.owner())
            return await self._profile(work, user)

    async def update(
        self,
        actor: Actor,
        *,
        name: str | Unset | None = UNSET,
        login: str | Unset | None = UNSET,
        expected: Collection[int] | None = None,
    ) -> Profile:
        """Change what is given; *expected* are the versions that the caller has read, None is whichever.

        Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation, Invalid,
        PreconditionFailed, UsernameTaken, EditConflict.
        """
        user_id = actor.settled_person()
        shown = display_name(name) if isinstance(name, str) else name
        handle = username(login) if isinstance(login, str) else login
        async with self._uow() as work:
            user = await work.users.get(user_id)
            require_version(user.version, expected)
            edited = user.edit(name=shown, username=handle, now=self._clock.now())
            if changes := user.difference(edited):
                user = await work.users.save(edited)
                await self._recorder.record(work, actor, "user.updated", user_id, changes)
            return await self._profile(work, user)

    async def change_password(self, actor: Actor, *, current: str, new: str) -> None:
        """Every other session of the user ends.

        Raises CredentialKindNotAllowed, ForbiddenInImpersonation, Invalid, WrongPassword, QuotaExceeded, Unavailable,
        EditConflict.
        """
        user_id = actor.person()
        async with self._uow.reading() as work:
            user = await work.users.get(user_id)
        accepted = self._policy.accept(new, about=(user.email, user.username, user.name), field="new_password")
        async with self._proofs.of_oneself(actor, user, current) as proof:
            if user.password_hash is not None and accepted == normalised(current):
                raise Invalid("new_password", "is not the one that you have")
            password_hash = await self._passwords.hash(accepted)
            async with self._uow() as work:
                current_user = await self._still_proved(work, proof)
                now = self._clock.now()
                await work.one_time_tokens.remove_of_user(user_id)
                await work.users.save(current_user.with_password(password_hash, now=now))
                ended = await work.sessions.end_all(user_id, now=now, but=actor.session_id)
                await self._throttle.forgive(work, proof.place)
                await self._recorder.record(work, actor, "user.password_changed", user_id, {"sessions_ended": ended})
                await self._outbox.queue(work, MailKind.PASSWORD_CHANGED, user.email, user_id=user_id)

    async def change_email(self, actor: Actor, *, email: str, current_password: str) -> None:
        """The address changes once the link that is sent there comes back; of a taken one the caller hears nothing.

        Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation, Invalid, WrongPassword,
        QuotaExceeded, Unavailable, EditConflict.
        """
        user_id, address = actor.settled_person(), email_address(email)
        async with self._uow.reading() as work:
            user = await work.users.get(user_id)
        async with self._proofs.of_oneself(actor, user, current_password) as proof, self._uow() as work:
            await self._still_proved(work, proof)
            await self._throttle.forgive(work, proof.place)
            await self._recorder.record(work, actor, "user.email_change_requested", user_id)
            holder = await work.users.find_by_email(address)
            if holder is None or (holder.email_verified_at is None and holder.id != user_id):
                await self._outbox.queue(work, MailKind.EMAIL_CHANGE, address, user_id=user_id)

    async def request_verification(self, actor: Actor) -> None:
        """A link to the present address; nothing where it is verified.

        Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation.
        """
        user_id = actor.settled_person()
        async with self._uow() as work:
            user = await work.users.get(user_id)
            if user.email_verified_at is None:
                await self._outbox.queue(work, MailKind.EMAIL_VERIFICATION, user.email, user_id=user_id)

    async def verify_email(self, token: str, origin: Origin) -> None:
        """Spend the token of a link: the address it was sent to is the user's, and verified.

        Raises Invalid for a token that is spent, late or not ours; QuotaExceeded, EmailTaken, EditConflict.
        """
        await self._throttle.admit_address(origin)
        if (digest := self._secrets.digest(token)) is None:
            raise Invalid("token", "is not good, or not any more")
        await settled(lambda: self._followed(digest, origin))

    async def _followed(self, digest: bytes, origin: Origin) -> None:
        async with self._uow() as work:
            kept = await work.one_time_tokens.take(digest)
            if kept is None or kept.user_id is None or not kept.is_live(now=self._clock.now()):
                raise Invalid("token", "is not good, or not any more")
            user = await work.users.get(kept.user_id)
            if not user.is_active:
                raise Invalid("token", "is not good, or not any more")
            await self._verified(work, user, kept, origin)

    async def _verified(self, work: UnitOfWork, user: User, kept: OneTimeToken, origin: Origin) -> None:
        now, actor = self._clock.now(), anonymous(origin, user.id)
        verified = user.with_email(kept.email, verified_at=now, now=now)
        match kept.purpose:
            case TokenPurpose.EMAIL_VERIFICATION if kept.email == user.email:
                await work.users.save(verified)
                await self._recorder.record(work, actor, "user.email_verified", user.id)
            case TokenPurpose.EMAIL_CHANGE:
                await work.one_time_tokens.remove_of_user(user.id)
                await self._newcomers.make_room(work, actor, kept.email)
                await work.users.save(verified)
                await self._recorder.record(work, actor, "user.email_changed", user.id, user.difference(verified))
                await self._outbox.queue(work, MailKind.EMAIL_CHANGED, user.email, user_id=user.id)
            case _:
                raise Invalid("token", "is not good, or not any more")

    async def _still_proved(self, work: UnitOfWork, proof: Proof) -> User:
        """Raises EditConflict when the password that was proved is no longer the user's."""
        current = await work.users.get(proof.user.id)
        if current.password_hash != proof.user.password_hash:
            raise EditConflict
        return current

    async def _profile(self, work: UnitOfWork, user: User) -> Profile:
        roles = await work.roles.list_by_user(user.id)
        return Profile(user, roles, permissions_of(roles, self._catalogue))
