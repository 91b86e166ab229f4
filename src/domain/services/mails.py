import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from domain.errors import NotFound, Unavailable
from domain.model.ids import InvitationId, MailId, UserId
from domain.model.letters import LINKS, Link, letter
from domain.model.limits import Policy
from domain.model.mails import Mail, MailKind, Message
from domain.model.one_time_tokens import OneTimeToken
from domain.model.users import EmailAddress, User
from domain.ports.limits import RateLimiter
from domain.ports.mails import MailSender
from domain.ports.security import MintedToken, OneTimeSecrets
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

ASKED_FOR = frozenset({MailKind.PASSWORD_RESET, MailKind.EMAIL_VERIFICATION, MailKind.EMAIL_CHANGE})
"""What anybody may have sent to an address that need not be theirs."""
PER_ACCOUNT = Policy(3, 3600)

log = logging.getLogger("hexkey.mail")


class Outbox:
    """Where the other services leave a mail, in the unit of work of what it is about."""

    def __init__(self, *, clock: Clock, ids: IdGenerator) -> None:
        self._clock = clock
        self._ids = ids

    async def queue(
        self,
        work: UnitOfWork,
        kind: MailKind,
        to: EmailAddress,
        *,
        user_id: UserId | None = None,
        invitation_id: InvitationId | None = None,
    ) -> None:
        """Raises UserNotFound, InvitationNotFound."""
        now = self._clock.now()
        mail = Mail(
            id=MailId(self._ids.new()),
            kind=kind,
            to=to,
            user_id=user_id,
            invitation_id=invitation_id,
            created_at=now,
            due_at=now,
        )
        await work.mails.add(mail)


class MailService:
    """Sends what waits. Any number of processes may do so at once.

    Each mail is sent at least once, unless it is refused or what it is about is over. Whoever dies between sending it
    and forgetting it leaves it to be sent again, with a fresh link that ends the first one.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        sender: MailSender,
        secrets: OneTimeSecrets,
        limiter: RateLimiter,
        public_url: str,
        clock: Clock,
        per_account: Policy = PER_ACCOUNT,
    ) -> None:
        self._uow = uow
        self._sender = sender
        self._secrets = secrets
        self._limiter = limiter
        self._public_url = public_url
        self._clock = clock
        self._per_account = (per_account,)

    async def deliver(self, limit: int = 10) -> int:
        """Try what is due, at most *limit* of it and all at once; how many that was.

        One that cannot be sent now stays for later. Raises Unavailable when the store is away; whatever else goes
        wrong with one of them is raised when all have been tried.
        """
        async with self._uow() as work:
            due = await work.mails.claim(limit, now=self._clock.now())
        outcomes = await asyncio.gather(*map(self._attempt, due), return_exceptions=True)
        for mail, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, Unavailable):
                log.warning("mail %s (%s) waits until %s: %s", mail.id, mail.kind, mail.due_at, outcome)
        for failure in outcomes:
            if isinstance(failure, BaseException) and not isinstance(failure, Unavailable):
                raise failure
        return len(due)

    async def waiting(self) -> int:
        """How many are still to be sent."""
        async with self._uow.reading() as work:
            return await work.mails.count()

    async def _attempt(self, mail: Mail) -> None:
        try:
            await self._send(mail)
        except Exception:
            if not mail.is_hopeless:
                raise
            log.exception("mail %s (%s) is given up after %d attempts", mail.id, mail.kind, mail.attempts)
        async with self._uow() as work:
            await work.mails.remove(mail.id)

    async def _send(self, mail: Mail) -> None:
        message = await self._composed(mail) if await self._admits(mail) else None
        if message is not None and not await self._sender.send(message):
            log.warning("mail %s (%s) was refused for good", mail.id, mail.kind)

    async def _admits(self, mail: Mail) -> bool:
        """Too many of what is asked for are dropped without a word. One counts once, however often it is tried."""
        if mail.kind not in ASKED_FOR or mail.attempts > 1:
            return True
        user_id = mail.user_id
        if user_id is None:
            async with self._uow.reading() as work:
                user = await work.users.find_by_email(mail.to)
            user_id = None if user is None else user.id
        return user_id is not None and (await self._limiter.hit(f"{mail.kind}:{user_id}", self._per_account)).admitted

    async def _composed(self, mail: Mail) -> Message | None:
        """None where what it is about is over."""
        if mail.kind not in LINKS:
            return self._written(mail)
        minted = self._secrets.mint()
        compose = self._to_guest if mail.kind is MailKind.INVITATION else self._to_user
        with suppress(NotFound):
            async with self._uow() as work:
                return await compose(work, mail, minted)
        return None

    async def _to_user(self, work: UnitOfWork, mail: Mail, minted: MintedToken) -> Message | None:
        user = await _addressee(work, mail)
        if user is None or not mail.concerns(user):
            return None
        lifetime = LINKS[mail.kind].lifetime
        await work.one_time_tokens.add(self._token(mail, minted, lifetime, user_id=user.id))
        return self._written(mail, Link(minted.plain, lifetime))

    async def _to_guest(self, work: UnitOfWork, mail: Mail, minted: MintedToken) -> Message | None:
        if mail.invitation_id is None:
            return None
        invitation = await work.invitations.get(mail.invitation_id)
        left = invitation.expires_at - self._clock.now()
        if left <= timedelta(0):
            return None
        await work.one_time_tokens.add(self._token(mail, minted, left, invitation_id=invitation.id))
        host = None if invitation.invited_by is None else await work.users.get(invitation.invited_by)
        return self._written(mail, Link(minted.plain, left), None if host is None else host.email)

    def _token(
        self,
        mail: Mail,
        minted: MintedToken,
        lifetime: timedelta,
        *,
        user_id: UserId | None = None,
        invitation_id: InvitationId | None = None,
    ) -> OneTimeToken:
        return OneTimeToken.issue(
            digest=minted.digest,
            purpose=LINKS[mail.kind].purpose,
            email=mail.to,
            user_id=user_id,
            invitation_id=invitation_id,
            lifetime=lifetime,
            now=self._clock.now(),
        )

    def _written(self, mail: Mail, link: Link | None = None, inviter: EmailAddress | None = None) -> Message:
        return letter(mail.kind, mail.to, public_url=self._public_url, link=link, inviter=inviter)


async def _addressee(work: UnitOfWork, mail: Mail) -> User | None:
    """Raises UserNotFound."""
    if mail.user_id is None:
        return await work.users.find_by_email(mail.to)
    return await work.users.get(mail.user_id)
