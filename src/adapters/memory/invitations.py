from adapters.memory.queries import page_of
from adapters.memory.tables import Table
from domain.model.ids import InvitationId
from domain.model.invitations import Invitation
from domain.model.mails import Mail
from domain.model.one_time_tokens import OneTimeToken
from domain.model.queries import Page, Query


class MemoryInvitationRepository:
    def __init__(self, invitations: Table[Invitation], tokens: Table[OneTimeToken], mails: Table[Mail]) -> None:
        self._invitations = invitations
        self._tokens = tokens
        self._mails = mails

    async def add(self, invitation: Invitation) -> None:
        invitations = self._invitations.writing
        if (earlier := invitations.only("email", invitation.email)) is not None:
            await self.delete(earlier.id)
        invitations.insert(invitation)

    async def get(self, invitation_id: InvitationId) -> Invitation:
        return self._invitations.get(invitation_id)

    async def delete(self, invitation_id: InvitationId) -> None:
        invitations = self._invitations.writing
        invitations.require(invitation_id)
        invitations.remove(invitation_id)
        self._tokens.writing.remove_where("invitation", invitation_id)
        self._mails.writing.remove_where("invitation", invitation_id)

    async def list(self, query: Query) -> Page[Invitation]:
        return page_of(self._invitations, query)
