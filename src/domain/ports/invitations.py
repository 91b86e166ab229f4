from typing import Protocol

from domain.model.ids import InvitationId
from domain.model.invitations import Invitation
from domain.model.queries import Page, Query


class InvitationRepository(Protocol):
    async def add(self, invitation: Invitation) -> None:
        """In the place of an earlier one to the same address, whose tokens and mails go with it."""

    async def get(self, invitation_id: InvitationId) -> Invitation:
        """Raises InvitationNotFound."""

    async def delete(self, invitation_id: InvitationId) -> None:
        """With its tokens and mails. Raises InvitationNotFound."""

    async def list(self, query: Query) -> Page[Invitation]:
        """By INVITATION_FIELDS; expired ones too."""
