from domain.errors import IdentityNotFound, LastSignInMethod
from domain.model.actors import Actor
from domain.model.identities import Identity
from domain.model.ids import IdentityId
from domain.model.mails import MailKind
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.mails import Outbox


class IdentityService:
    """As whom people are known elsewhere, and so sign in here."""

    def __init__(self, *, uow: UnitOfWorkFactory, outbox: Outbox, recorder: Recorder) -> None:
        self._uow = uow
        self._outbox = outbox
        self._recorder = recorder

    async def list_own(self, actor: Actor) -> tuple[Identity, ...]:
        """Oldest first. Raises CredentialKindNotAllowed, PasswordChangeRequired."""
        user_id = actor.owner()
        async with self._uow.reading() as work:
            return await work.identities.list_by_user(user_id)

    async def remove_own(self, actor: Actor, identity_id: IdentityId) -> None:
        """It signs nobody in any more; sessions that it began go on until they are ended.

        Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation, IdentityNotFound,
        LastSignInMethod.
        """
        user_id = actor.settled_person()
        async with self._uow() as work:
            user = await work.users.lock(user_id)
            own = {identity.id: identity for identity in await work.identities.list_by_user(user_id)}
            if identity_id not in own:
                raise IdentityNotFound
            if user.password_hash is None and len(own) == 1:
                raise LastSignInMethod
            await work.identities.delete(identity_id)
            removed = {"provider": own[identity_id].provider}
            await self._recorder.record(work, actor, "identity.removed", user_id, removed)
            await self._outbox.queue(work, MailKind.IDENTITY_REMOVED, user.email, user_id=user_id)
