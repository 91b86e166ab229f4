from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency

from app.http.doors import ActorRequest, user, user_or_key
from app.http.versions import versioned
from domain.model.users import User
from domain.services.users import Profile, UserService


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    email: str
    username: str | None
    name: str | None
    is_active: bool
    email_verified: bool
    created_at: datetime
    updated_at: datetime


class RoleNameView(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class ProfileView(UserView, frozen=True, kw_only=True):
    """The user with what they may do."""

    roles: tuple[RoleNameView, ...]
    permissions: tuple[str, ...]


class CallerView(msgspec.Struct, frozen=True, kw_only=True):
    """Who the service thinks is calling."""

    kind: str
    user_id: UUID | None
    key_id: UUID | None
    session_id: UUID | None
    permissions: tuple[str, ...]
    scopes: tuple[str, ...]


def view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        username=user.username,
        name=user.name,
        is_active=user.is_active,
        email_verified=user.email_verified_at is not None,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def profile_view(profile: Profile) -> ProfileView:
    return ProfileView(
        **msgspec.structs.asdict(view(profile.user)),
        roles=tuple(RoleNameView(role.id, role.name) for role in profile.roles),
        permissions=tuple(sorted(profile.permissions)),
    )


class MeController(Controller):
    tags = ("Me",)

    @get("/whoami", opt=user_or_key())
    async def whoami(self, request: ActorRequest) -> CallerView:
        """Who the service thinks is calling."""
        actor = request.user
        return CallerView(
            kind=actor.kind,
            user_id=actor.user_id,
            key_id=actor.key_id,
            session_id=actor.session_id,
            permissions=tuple(sorted(actor.permissions)),
            scopes=tuple(sorted(actor.scopes)),
        )

    @get("/me", opt=user())
    async def me(self, request: ActorRequest, users: NamedDependency[UserService]) -> Response[ProfileView]:
        """The signed-in user, with roles and permissions."""
        profile = await users.me(request.user)
        return versioned(profile_view(profile), profile.user.version)
