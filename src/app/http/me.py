"""`/v1/me`: what people see and do of their own, and who the service thinks is calling."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, put
from litestar.di import NamedDependency
from litestar.params import RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Patch
from app.http.doors import ActorRequest, revoking, user, user_or_key
from app.http.fields import DisplayName, Email, NewPassword, Password, Username, given
from app.http.lists import ListView
from app.http.paths import PathId, path_id
from app.http.users import UserView, view
from app.http.versions import expected_versions, versioned
from app.http.views import in_order
from domain.model.ids import SessionId
from domain.model.sessions import Session
from domain.services.accounts import AccountService, Profile
from domain.services.sessions import SessionService


class ProfilePatch(Patch, frozen=True, kw_only=True):
    name: DisplayName | UnsetType | None = UNSET
    username: Username | UnsetType | None = UNSET


class PasswordChange(Input, frozen=True, kw_only=True):
    current_password: Password
    new_password: NewPassword


class EmailChange(Input, frozen=True, kw_only=True):
    email: Email
    current_password: Password


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


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """`device` is how its program calls itself, `kind` one of `token`, `cookie` and `impersonation`."""

    id: UUID
    kind: str
    device: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


def profile_view(profile: Profile) -> ProfileView:
    return ProfileView(
        **msgspec.structs.asdict(view(profile.user)),
        roles=tuple(RoleNameView(role.id, role.name) for role in profile.roles),
        permissions=in_order(profile.permissions),
    )


def session_view(session: Session, *, current: SessionId | None) -> SessionView:
    return SessionView(
        id=session.id,
        kind=session.kind,
        device=session.user_agent,
        address=session.address,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=min(session.idle_ends_at, session.ends_at),
        current=session.id == current,
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
            permissions=in_order(actor.permissions),
            scopes=in_order(actor.scopes),
        )

    @get("/me", opt=user())
    async def me(self, request: ActorRequest, accounts: NamedDependency[AccountService]) -> Response[ProfileView]:
        """The signed-in user, with roles and permissions."""
        profile = await accounts.me(request.user)
        return versioned(profile_view(profile), profile.user.version)

    @patch("/me", opt=user())
    async def update_me(
        self, request: ActorRequest, data: RequestBody[ProfilePatch], accounts: NamedDependency[AccountService]
    ) -> Response[ProfileView]:
        """Change one's own name or user name; `null` clears, an absent member stays."""
        profile = await accounts.update(
            request.user, name=given(data.name), login=given(data.username), expected=expected_versions(request)
        )
        return versioned(profile_view(profile), profile.user.version)

    @put("/me/password", status_code=204, opt=user(while_restricted=True) | revoking())
    async def change_password(
        self, request: ActorRequest, data: RequestBody[PasswordChange], accounts: NamedDependency[AccountService]
    ) -> None:
        """Change one's own password. Every other session ends."""
        await accounts.change_password(request.user, current=data.current_password, new=data.new_password)

    @put("/me/email", status_code=202, opt=user())
    async def change_email(
        self, request: ActorRequest, data: RequestBody[EmailChange], accounts: NamedDependency[AccountService]
    ) -> None:
        """Ask for another address. It changes once the link that is mailed there comes back."""
        await accounts.change_email(request.user, email=data.email, current_password=data.current_password)

    @get("/me/sessions", opt=user())
    async def list_sessions(
        self, request: ActorRequest, sessions: NamedDependency[SessionService]
    ) -> ListView[SessionView]:
        """List one's own sessions, the newest first."""
        live = await sessions.list_own(request.user)
        return ListView.whole([session_view(session, current=request.user.session_id) for session in live])

    @delete("/me/sessions/{session_id:str}", opt=user() | revoking())
    async def end_one_session(
        self, request: ActorRequest, session_id: PathId, sessions: NamedDependency[SessionService]
    ) -> None:
        """End one of one's own sessions, on whatever device."""
        await sessions.end_own(request.user, SessionId(path_id(session_id)))

    @delete("/me/sessions", opt=user() | revoking())
    async def end_other_sessions(self, request: ActorRequest, sessions: NamedDependency[SessionService]) -> None:
        """End every session but the one that calls."""
        await sessions.end_others(request.user)
