"""`/v1/users`: the accounts of others."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Patch
from app.http.doors import ActorRequest, revoking, user, user_or_key
from app.http.fields import DisplayName, Email, NewPassword, Username, described, given
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, list_query, listed, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, tagged, versioned
from domain.model.ids import RoleId, UserId
from domain.model.permissions import UserPermission
from domain.model.users import USER_FIELDS, User
from domain.services.users import UserService

RoleIds = Annotated[tuple[UUID, ...], described("The roles to hold, instead of `member`.", maxItems=64)]


class NewUser(Input, frozen=True, kw_only=True):
    email: Email
    password: NewPassword | None = None
    username: Username | None = None
    name: DisplayName | None = None
    role_ids: RoleIds = ()


class UserPatch(Patch, frozen=True, kw_only=True):
    name: DisplayName | UnsetType | None = UNSET
    username: Username | UnsetType | None = UNSET
    email: Email | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class PasswordReset(Input, frozen=True, kw_only=True):
    new_password: NewPassword


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    email: str
    username: str | None
    name: str | None
    is_active: bool
    email_verified: bool
    created_at: datetime
    updated_at: datetime


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


def made(user: User) -> Response[UserView]:
    return versioned(view(user), user.version, status_code=201, headers={"location": f"/v1/users/{user.id}"})


def role_ids_of(raw: tuple[UUID, ...]) -> tuple[RoleId, ...]:
    return tuple(map(RoleId, raw))


class UserController(Controller):
    path = "/users"
    tags = ("Users",)

    @post(opt=user_or_key(UserPermission.CREATE) | repeatable())
    async def create_user(
        self, request: ActorRequest, data: RequestBody[NewUser], users: NamedDependency[UserService]
    ) -> Response[UserView]:
        """Create a user. Without a password they are mailed a link to set one."""
        created = await users.create(
            request.user,
            email=data.email,
            password=data.password,
            login=data.username,
            name=data.name,
            role_ids=role_ids_of(data.role_ids),
            once=once(request, made),
        )
        return made(created)

    @get(opt=user_or_key(UserPermission.READ) | listing(USER_FIELDS))
    async def list_users(self, request: ActorRequest, users: NamedDependency[UserService]) -> ListView[UserView]:
        """List all users."""
        query = list_query(request, USER_FIELDS)
        return listed(request, await users.list(request.user, query), query, view)

    @get("/{user_id:str}", opt=user_or_key(UserPermission.READ))
    async def get_user(
        self, request: ActorRequest, user_id: PathId, users: NamedDependency[UserService]
    ) -> Response[UserView]:
        """Get one user."""
        found = await users.get(request.user, UserId(path_id(user_id)))
        return tagged(request, view(found), found.version)

    @patch("/{user_id:str}", opt=user_or_key(any_of=(UserPermission.UPDATE, UserPermission.DEACTIVATE)) | revoking())
    async def update_user(
        self,
        request: ActorRequest,
        user_id: PathId,
        data: RequestBody[UserPatch],
        users: NamedDependency[UserService],
    ) -> Response[UserView]:
        """Change some members of a user; `users:update` is needed, and for `is_active` `users:deactivate`."""
        updated = await users.update(
            request.user,
            UserId(path_id(user_id)),
            name=given(data.name),
            login=given(data.username),
            email=given(data.email),
            is_active=given(data.is_active),
            expected=expected_versions(request),
        )
        return tagged(request, view(updated), updated.version)

    @delete("/{user_id:str}", opt=user_or_key(UserPermission.DEACTIVATE) | revoking())
    async def deactivate_user(
        self, request: ActorRequest, user_id: PathId, users: NamedDependency[UserService]
    ) -> None:
        """Deactivate a user: signed out everywhere, and their keys are refused; what they own stays."""
        await users.deactivate(request.user, UserId(path_id(user_id)), expected=expected_versions(request))

    @put("/{user_id:str}/password", status_code=204, opt=user(UserPermission.RESET_PASSWORD) | revoking())
    async def set_password(
        self,
        request: ActorRequest,
        user_id: PathId,
        data: RequestBody[PasswordReset],
        users: NamedDependency[UserService],
    ) -> None:
        """Set a user's password, which they must change at the next sign-in. All their sessions end."""
        await users.set_password(request.user, UserId(path_id(user_id)), new=data.new_password)

    @post("/{user_id:str}/unlock", status_code=204, opt=user(UserPermission.UNLOCK))
    async def unlock_user(self, request: ActorRequest, user_id: PathId, users: NamedDependency[UserService]) -> None:
        """Forget the failed attempts to sign in as this user."""
        await users.unlock(request.user, UserId(path_id(user_id)))
