from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

from domain.errors import Invalid, RegistrationClosed, RoleNotFound, UserNotFound
from domain.model.actors import Origin, anonymous
from domain.model.ids import RoleId, UserId
from domain.model.invitations import Invitation
from domain.model.mails import MailKind
from domain.model.one_time_tokens import TokenPurpose
from domain.model.roles import MEMBER_ID
from domain.model.scopes import Catalogue
from domain.model.users import User
from domain.ports.security import OneTimeSecrets
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.mails import Outbox
from domain.services.memberships import permissions_held
from domain.services.newcomers import Newcomers

_MEMBER = frozenset({MEMBER_ID})
_SPENT = Invalid("invitation", "is not good, or not any more")


class Registration(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class RegistrationService:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        newcomers: Newcomers,
        registration: Registration,
        secrets: OneTimeSecrets,
        catalogue: Catalogue,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._newcomers = newcomers
        self._registration = registration
        self._secrets = secrets
        self._catalogue = catalogue
        self._outbox = outbox
        self._clock = clock

    async def register(
        self,
        origin: Origin,
        *,
        email: str,
        password: str,
        login: str | None = None,
        name: str | None = None,
        invitation: str | None = None,
    ) -> User:
        """*invitation* is the token of the link that was mailed: it verifies the address.

        Raises RegistrationClosed, Invalid, EmailTaken, UsernameTaken, Unavailable.
        """
        self._require_open(invited=invitation is not None)
        user = await self._newcomers.prepare(email=email, password=password, login=login, name=name)
        async with self._uow() as work:
            if invitation is None:
                return await self._join(work, user, _MEMBER, origin)
            role_ids = await self._accept(work, invitation, user, origin)
            return await self._join(work, replace(user, email_verified_at=user.created_at), role_ids, origin)

    def _require_open(self, *, invited: bool) -> None:
        if self._registration is Registration.CLOSED or (self._registration is Registration.INVITE and not invited):
            raise RegistrationClosed

    async def _join(self, work: UnitOfWork, user: User, role_ids: frozenset[RoleId], origin: Origin) -> User:
        await self._newcomers.add(work, anonymous(origin, user.id), user, role_ids, action="user.registered")
        if user.email_verified_at is None:
            await self._outbox.queue(work, MailKind.EMAIL_VERIFICATION, user.email, user_id=user.id)
        return user

    async def _accept(self, work: UnitOfWork, plain: str, user: User, origin: Origin) -> frozenset[RoleId]:
        """Spend the invitation; the roles that its author may still give."""
        digest = self._secrets.digest(plain)
        token = None if digest is None else await work.one_time_tokens.take(digest)
        if token is None or token.invitation_id is None or not token.is_live(now=self._clock.now()):
            raise _SPENT
        if token.purpose is not TokenPurpose.INVITATION or token.email != user.email:
            raise Invalid("email", "is not the address that was invited")
        invitation = await work.invitations.get(token.invitation_id)
        await work.invitations.delete(invitation.id)
        await self._newcomers.make_room(work, anonymous(origin, user.id), user.email)
        return await self._still_given(work, invitation)

    async def _still_given(self, work: UnitOfWork, invitation: Invitation) -> frozenset[RoleId]:
        may = await self._still_allowed(work, invitation.invited_by)
        given = {MEMBER_ID} & invitation.role_ids
        for role_id in invitation.role_ids - _MEMBER:
            try:
                role = await work.roles.get(role_id)
            except RoleNotFound:
                continue
            if role.holds(self._catalogue) <= may:
                given.add(role_id)
        return frozenset(given) or _MEMBER

    async def _still_allowed(self, work: UnitOfWork, author_id: UserId | None) -> frozenset[str]:
        """What the author of an invitation, or the operator, may do now."""
        if author_id is None:
            return self._catalogue.permissions
        with suppress(UserNotFound):
            author = await work.users.get(author_id)
            if author.is_active:
                return await permissions_held(work, self._catalogue, author.id)
        return frozenset()
