"""How people come in: by themselves, or invited."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http.bodies import Input
from app.http.doors import ActorRequest, public, user
from app.http.fields import DisplayName, Email, MailedToken, NewPassword, Username
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, list_query, listed, listing
from app.http.origins import origin_of
from app.http.paths import PathId, path_id
from app.http.users import RoleIds, UserView, role_ids_of, view
from app.http.views import ViewResponse
from domain.model.ids import InvitationId
from domain.model.invitations import INVITATION_FIELDS, Invitation
from domain.model.permissions import UserPermission
from domain.services.invitations import InvitationService
from domain.services.registration import RegistrationService


class NewAccount(Input, frozen=True, kw_only=True):
    email: Email
    password: NewPassword
    username: Username | None = None
    name: DisplayName | None = None
    invitation: MailedToken | None = None


class NewInvitation(Input, frozen=True, kw_only=True):
    email: Email
    role_ids: RoleIds = ()


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    email: str
    role_ids: tuple[UUID, ...]
    invited_by: UUID | None
    created_at: datetime
    expires_at: datetime


def invitation_view(invitation: Invitation) -> InvitationView:
    return InvitationView(
        id=invitation.id,
        email=invitation.email,
        role_ids=tuple(sorted(invitation.role_ids)),
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )


def mailed(invitation: Invitation) -> Response[InvitationView]:
    return ViewResponse(invitation_view(invitation), status_code=202)


class RegistrationController(Controller):
    tags = ("Sign-in",)

    @post("/auth/register", opt=public() | {"answers": (403,)})
    async def register(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[NewAccount],
        registration: NamedDependency[RegistrationService],
    ) -> UserView:
        """Register with an e-mail address. Signing in does not wait for its verification."""
        account = await registration.register(
            origin_of(request.scope),
            email=data.email,
            password=data.password,
            login=data.username,
            name=data.name,
            invitation=data.invitation,
        )
        return view(account)


class InvitationController(Controller):
    path = "/invitations"
    tags = ("Users",)

    @post(status_code=202, opt=user(UserPermission.INVITE) | repeatable())
    async def invite(
        self, request: ActorRequest, data: RequestBody[NewInvitation], invitations: NamedDependency[InvitationService]
    ) -> Response[InvitationView]:
        """Mail somebody a link to register with; it is good once, for seven days."""
        given = role_ids_of(data.role_ids)
        return mailed(
            await invitations.invite(request.user, email=data.email, role_ids=given, once=once(request, mailed))
        )

    @get(opt=user(UserPermission.INVITE) | listing(INVITATION_FIELDS))
    async def list_invitations(
        self, request: ActorRequest, invitations: NamedDependency[InvitationService]
    ) -> ListView[InvitationView]:
        """List the invitations that nobody has accepted yet."""
        query = list_query(request, INVITATION_FIELDS)
        return listed(request, await invitations.list(request.user, query), query, invitation_view)

    @delete("/{invitation_id:str}", opt=user(UserPermission.INVITE))
    async def withdraw_invitation(
        self, request: ActorRequest, invitation_id: PathId, invitations: NamedDependency[InvitationService]
    ) -> None:
        """Withdraw an invitation: its link is dead."""
        await invitations.withdraw(request.user, InvitationId(path_id(invitation_id)))
