"""`/v1/me/identities`: as whom somebody is known elsewhere, and so signs in here."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, delete, get
from litestar.di import NamedDependency

from app.http.doors import ActorRequest, user
from app.http.lists import ListView
from app.http.paths import PathId, path_id
from domain.model.identities import Identity
from domain.model.ids import IdentityId
from domain.services.identities import IdentityService


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """`email`, `given_name` and `family_name` are what the provider said last."""

    id: UUID
    provider: str
    issuer: str
    subject: str
    email: str | None
    given_name: str | None
    family_name: str | None
    created_at: datetime
    last_used_at: datetime


def view(identity: Identity) -> IdentityView:
    return IdentityView(
        id=identity.id,
        provider=identity.provider,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        given_name=identity.given_name,
        family_name=identity.family_name,
        created_at=identity.created_at,
        last_used_at=identity.last_used_at,
    )


class IdentityController(Controller):
    path = "/me/identities"
    tags = ("Me",)

    @get("/", opt=user())
    async def list_identities(
        self, request: ActorRequest, identities: NamedDependency[IdentityService]
    ) -> ListView[IdentityView]:
        """List the identities that sign in to one's own account, the oldest first."""
        return ListView.whole(map(view, await identities.list_own(request.user)))

    @delete("/{identity_id:str}", opt=user())
    async def remove_identity(
        self, request: ActorRequest, identity_id: PathId, identities: NamedDependency[IdentityService]
    ) -> None:
        """Take an identity from one's own account; the last way to sign in stays."""
        await identities.remove_own(request.user, IdentityId(path_id(identity_id)))
