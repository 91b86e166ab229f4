from domain.errors import Invalid
from domain.model.actors import Origin, anonymous, neighbourhood
from domain.model.limits import Policy
from domain.model.mails import MailKind
from domain.model.one_time_tokens import TokenPurpose
from domain.model.passwords import PasswordPolicy
from domain.model.users import User, email_address
from domain.ports.limits import RateLimiter
from domain.ports.security import OneTimeSecrets, PasswordHasher
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.mails import Outbox
from domain.services.retries import settled
from domain.services.throttles import Throttle

_MAILS_PER_ADDRESS = (Policy(10, 3600),)
_SPENT = ("token", "is not good, or not any more")


class RecoveryService:
    """For whoever has forgotten the password and still reads the mailbox."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        passwords: PasswordHasher,
        policy: PasswordPolicy,
        throttle: Throttle,
        limiter: RateLimiter,
        secrets: OneTimeSecrets,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._policy = policy
        self._throttle = throttle
        self._limiter = limiter
        self._secrets = secrets
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    async def forgot(self, email: str, origin: Origin) -> None:
        """The same work for every address: whose it is, if anybody's, is found when the mail is sent.

        Raises Invalid, QuotaExceeded, Unavailable. Beyond ten an hour from one client nothing is sent, in silence.
        """
        address = email_address(email)
        await self._throttle.admit_address(origin)
        client = neighbourhood(origin.address)
        if client and not (await self._limiter.hit(f"forgot:{client}", _MAILS_PER_ADDRESS)).admitted:
            return
        async with self._uow() as work:
            await self._outbox.queue(work, MailKind.PASSWORD_RESET, address)
            await self._recorder.record(work, anonymous(origin), "user.password_reset_requested", None)

    async def reset(self, token: str, password: str, origin: Origin) -> None:
        """Spend the token of a link for a new password. All sessions end, and nothing counts against the user.

        Where nobody had verified the address so far, somebody else may have made the account and keys to it: those
        are revoked.

        Raises Invalid for a password that is not accepted, and for a token that is spent, late or not ours;
        QuotaExceeded, Unavailable, EditConflict.
        """
        await self._throttle.admit_address(origin)
        digest = self._secrets.digest(token)
        accepted = self._policy.accept(password)
        if digest is None:
            raise Invalid(*_SPENT)
        password_hash = await self._passwords.hash(accepted)

        async def done() -> None:
            async with self._uow() as work:
                user = await self._bearer(work, digest)
                self._policy.accept(password, about=(user.email, user.username, user.name))
                await self._set(work, user, password_hash)
                actor, changes = anonymous(origin, user.id), await self._disowned(work, user)
                await self._recorder.record(work, actor, "user.password_reset", user.id, changes)
                await self._outbox.queue(work, MailKind.PASSWORD_CHANGED, user.email, user_id=user.id)

        await settled(done)

    async def _bearer(self, work: UnitOfWork, digest: bytes) -> User:
        """Whose link it is: active, and still at the address to which it was sent."""
        token = await work.one_time_tokens.take(digest)
        if token is None or token.purpose is not TokenPurpose.PASSWORD_RESET or token.user_id is None:
            raise Invalid(*_SPENT)
        user = await work.users.get(token.user_id)
        if not (token.is_live(now=self._clock.now()) and user.is_active and user.email == token.email):
            raise Invalid(*_SPENT)
        return user

    async def _set(self, work: UnitOfWork, user: User, password_hash: str) -> None:
        now = self._clock.now()
        renewed = user.with_password(password_hash, now=now)
        await work.one_time_tokens.remove_of_user(user.id)
        await work.users.save(renewed.with_email(user.email, verified_at=user.email_verified_at or now, now=now))
        await work.sessions.end_all(user.id, now=now)
        await self._throttle.unlock(work, user.id)

    async def _disowned(self, work: UnitOfWork, user: User) -> dict[str, object]:
        """What is revoked, for the trail."""
        if user.email_verified_at is not None:
            return {}
        count = await work.keys.revoke_all(user.id, now=self._clock.now())
        return {"keys_revoked": count} if count else {}
