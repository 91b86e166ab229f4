"""`/v1/roles`: named sets of permissions, and who holds them."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Patch
from app.http.doors import ActorRequest, revoking, user, user_or_key
from app.http.fields import Description, Name, described, given
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, flag, list_query, listed, listing, switches
from app.http.paths import PathId, path_id
from app.http.users import UserView
from app.http.users import view as user_view
from app.http.versions import expected_versions, tagged, versioned
from domain.model.ids import RoleId, UserId
from domain.model.permissions import RolePermission, UserPermission
from domain.model.roles import ROLE_FIELDS, Role
from domain.model.users import USER_FIELDS
from domain.services.memberships import MembershipService
from domain.services.roles import RoleService

Permission = Annotated[str, described("A permission that exists.", "projects:read", maxLength=64)]
Permissions = Annotated[tuple[Permission, ...], described("What it allows.", ["projects:read"], maxItems=256)]


class NewRole(Input, frozen=True, kw_only=True):
    name: Name
    description: Description | None = None
    permissions: Permissions


class RolePatch(Patch, frozen=True, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    permissions: Permissions | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class RoleView(msgspec.Struct, frozen=True, kw_only=True):
    """An inactive role grants nothing. A built-in one can be given, and not be changed."""

    id: UUID
    name: str
    description: str | None
    permissions: tuple[str, ...]
    is_active: bool
    built_in: bool
    created_at: datetime
    updated_at: datetime


class PermissionView(msgspec.Struct, frozen=True):
    name: str


class RoleController(Controller):
    path = "/roles"
    tags = ("Roles",)

    @post(opt=user_or_key(RolePermission.MANAGE) | repeatable())
    async def create_role(
        self, request: ActorRequest, data: RequestBody[NewRole], roles: NamedDependency[RoleService]
    ) -> Response[RoleView]:
        """Create a role, of permissions that the caller has."""
        answer = partial(made, roles)
        role = await roles.create(
            request.user,
            name=data.name,
            description=data.description,
            permissions=data.permissions,
            once=once(request, answer),
        )
        return answer(role)

    @get(opt=user_or_key(RolePermission.READ) | listing(ROLE_FIELDS))
    async def list_roles(self, request: ActorRequest, roles: NamedDependency[RoleService]) -> ListView[RoleView]:
        """List all roles."""
        query = list_query(request, ROLE_FIELDS)
        return listed(request, await roles.list(request.user, query), query, lambda role: roles_view(roles, role))

    @get("/{role_id:str}", opt=user_or_key(RolePermission.READ))
    async def get_role(
        self, request: ActorRequest, role_id: PathId, roles: NamedDependency[RoleService]
    ) -> Response[RoleView]:
        """Get one role."""
        role = await roles.get(request.user, RoleId(path_id(role_id)))
        return tagged(request, roles_view(roles, role), role.version)

    @patch("/{role_id:str}", opt=user_or_key(RolePermission.MANAGE) | revoking())
    async def update_role(
        self,
        request: ActorRequest,
        role_id: PathId,
        data: RequestBody[RolePatch],
        roles: NamedDependency[RoleService],
    ) -> Response[RoleView]:
        """Change some members of a role; `null` clears, an absent member stays."""
        role = await roles.update(
            request.user,
            RoleId(path_id(role_id)),
            name=given(data.name),
            description=given(data.description),
            permissions=given(data.permissions),
            is_active=given(data.is_active),
            expected=expected_versions(request),
        )
        return tagged(request, roles_view(roles, role), role.version)

    @delete("/{role_id:str}", opt=user_or_key(RolePermission.MANAGE) | switches("force") | revoking())
    async def delete_role(self, request: ActorRequest, role_id: PathId, roles: NamedDependency[RoleService]) -> None:
        """Delete a role that nobody holds; with `force=true` it is taken from whoever does."""
        await roles.delete(
            request.user, RoleId(path_id(role_id)), force=flag(request, "force"), expected=expected_versions(request)
        )

    @put("/{role_id:str}/permissions/{permission:str}", status_code=204, opt=user(RolePermission.MANAGE))
    async def allow(
        self, request: ActorRequest, role_id: PathId, permission: FromPath[str], roles: NamedDependency[RoleService]
    ) -> None:
        """Add a permission to a role."""
        await roles.allow(request.user, RoleId(path_id(role_id)), permission)

    @delete("/{role_id:str}/permissions/{permission:str}", opt=user(RolePermission.MANAGE) | revoking())
    async def disallow(
        self, request: ActorRequest, role_id: PathId, permission: FromPath[str], roles: NamedDependency[RoleService]
    ) -> None:
        """Take a permission from a role."""
        await roles.disallow(request.user, RoleId(path_id(role_id)), permission)

    @get(
        "/{role_id:str}/users",
        opt=user_or_key(RolePermission.READ, UserPermission.READ) | listing(USER_FIELDS),
    )
    async def list_members(
        self, request: ActorRequest, role_id: PathId, roles: NamedDependency[RoleService]
    ) -> ListView[UserView]:
        """List who holds a role."""
        query = list_query(request, USER_FIELDS)
        members = await roles.list_members(request.user, RoleId(path_id(role_id)), query)
        return listed(request, members, query, user_view)

    @put("/{role_id:str}/users/{user_id:str}", status_code=204, opt=user(RolePermission.MANAGE))
    async def grant_role(
        self, request: ActorRequest, role_id: PathId, user_id: PathId, memberships: NamedDependency[MembershipService]
    ) -> None:
        """Give a role to a user."""
        await memberships.grant(request.user, RoleId(path_id(role_id)), UserId(path_id(user_id)))

    @delete("/{role_id:str}/users/{user_id:str}", opt=user(RolePermission.MANAGE) | revoking())
    async def revoke_role(
        self, request: ActorRequest, role_id: PathId, user_id: PathId, memberships: NamedDependency[MembershipService]
    ) -> None:
        """Take a role from a user."""
        await memberships.revoke(request.user, RoleId(path_id(role_id)), UserId(path_id(user_id)))


class HeldRoleController(Controller):
    tags = ("Roles",)

    @get("/users/{user_id:str}/roles", opt=user_or_key(RolePermission.READ))
    async def list_held_roles(
        self, request: ActorRequest, user_id: PathId, roles: NamedDependency[RoleService]
    ) -> ListView[RoleView]:
        """List the roles that a user holds."""
        held = await roles.list_by_user(request.user, UserId(path_id(user_id)))
        return ListView.whole(roles_view(roles, role) for role in held)

    @get("/permissions", opt=user_or_key(RolePermission.READ))
    async def list_permissions(
        self, request: ActorRequest, roles: NamedDependency[RoleService]
    ) -> ListView[PermissionView]:
        """List every permission that exists."""
        return ListView.whole(map(PermissionView, roles.permissions(request.user)))


def roles_view(roles: RoleService, role: Role) -> RoleView:
    return RoleView(
        id=role.id,
        name=role.name,
        description=role.description,
        permissions=tuple(sorted(roles.grants(role))),
        is_active=role.is_active,
        built_in=role.built_in,
        created_at=role.created_at,
        updated_at=role.updated_at,
    )


def made(roles: RoleService, role: Role) -> Response[RoleView]:
    location = {"location": f"/v1/roles/{role.id}"}
    return versioned(roles_view(roles, role), role.version, status_code=201, headers=location)
