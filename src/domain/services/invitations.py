from collections.abc import Iterable

from domain.errors import EmailTaken, RegistrationClosed
from domain.model.actors import Actor
from domain.model.ids import InvitationId, RoleId
from domain.model.invitations import INVITATION_FIELDS, INVITATION_LIFETIME, Invitation
from domain.model.mails import MailKind
from domain.model.permissions import UserPermission
from domain.model.queries import Page, Query
from domain.model.scopes import Catalogue
from domain.model.users import email_address
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.mails import Outbox
from domain.services.memberships import require_may_give
from domain.services.registration import Registration


class InvitationService:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        registration: Registration,
        catalogue: Catalogue,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._registration = registration
        self._catalogue = catalogue
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    async def invite(
        self, actor: Actor, *, email: str, role_ids: Iterable[RoleId] = (), once: Once[Invitation] = REPEATEDLY
    ) -> Invitation:
        """A link is mailed there, in the place of an earlier one; without *role_ids* the newcomer is a member.

        Raises PermissionDenied, CredentialKindNotAllowed, ForbiddenInImpersonation, RegistrationClosed, Invalid,
        RoleExceedsActor, EmailTaken by somebody who has verified it.
        """
        actor.require(UserPermission.INVITE)
        actor.require_no_key()
        if self._registration is Registration.CLOSED:
            raise RegistrationClosed
        address, given, now = email_address(email), tuple(role_ids), self._clock.now()
        async with self._uow() as work:
            invitation = Invitation(
                id=InvitationId(self._ids.new()),
                email=address,
                role_ids=await require_may_give(work, actor, given, self._catalogue),
                invited_by=actor.user_id,
                created_at=now,
                expires_at=now + INVITATION_LIFETIME,
            )
            holder = await work.users.find_by_email(address)
            if holder is not None and holder.email_verified_at is not None:
                raise EmailTaken
            await work.invitations.add(invitation)
            await self._outbox.queue(work, MailKind.INVITATION, address, invitation_id=invitation.id)
            await self._recorder.record(work, actor, "invitation.created", invitation.id, {"email": address})
            await once.keep(work, invitation)
        return invitation

    async def list(self, actor: Actor, query: Query) -> Page[Invitation]:
        """Raises PermissionDenied, Invalid."""
        actor.require(UserPermission.INVITE)
        checked = query.within(INVITATION_FIELDS)
        async with self._uow.reading() as work:
            return await work.invitations.list(checked)

    async def withdraw(self, actor: Actor, invitation_id: InvitationId) -> None:
        """Its link is dead.

        Raises PermissionDenied, CredentialKindNotAllowed, ForbiddenInImpersonation, InvitationNotFound.
        """
        actor.require(UserPermission.INVITE)
        actor.require_no_key()
        async with self._uow() as work:
            invitation = await work.invitations.get(invitation_id)
            await work.invitations.delete(invitation_id)
            changes = {"email": invitation.email}
            await self._recorder.record(work, actor, "invitation.withdrawn", invitation_id, changes)
