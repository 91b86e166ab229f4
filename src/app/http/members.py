"""`/v1/projects/{project_id}/members`: who works on a project, and as what."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http.bodies import Input
from app.http.doors import ActorRequest, revoking, user_or_key
from app.http.lists import ListView, list_query, listed, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, versioned
from domain.model.ids import ProjectId, UserId
from domain.model.members import MEMBER_FIELDS, MemberCard
from domain.model.permissions import ProjectPermission
from domain.services.members import MemberService


class Membership(Input, frozen=True, kw_only=True):
    role: Literal["viewer", "editor", "owner"]


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """`email` is for those only who may read users."""

    user_id: UUID
    role: str
    username: str | None
    name: str | None
    email: str | None
    created_at: datetime


def view(card: MemberCard) -> MemberView:
    return MemberView(
        user_id=card.member.user_id,
        role=card.member.role.value,
        username=card.username,
        name=card.name,
        email=card.email,
        created_at=card.member.created_at,
    )


class MemberController(Controller):
    path = "/projects/{project_id:str}/members"
    tags = ("Projects",)

    @get(opt=user_or_key(ProjectPermission.READ) | listing(MEMBER_FIELDS))
    async def list_members(
        self, request: ActorRequest, project_id: PathId, members: NamedDependency[MemberService]
    ) -> ListView[MemberView]:
        """List the members of a project."""
        query = list_query(request, MEMBER_FIELDS)
        return listed(request, await members.list(request.user, ProjectId(path_id(project_id)), query), query, view)

    @put("/{user_id:str}", opt=user_or_key(ProjectPermission.UPDATE) | revoking())
    async def put_member(
        self,
        request: ActorRequest,
        project_id: PathId,
        user_id: PathId,
        data: RequestBody[Membership],
        members: NamedDependency[MemberService],
    ) -> Response[MemberView]:
        """Add somebody to a project, or change their role; the caller is an owner of it."""
        card = await members.put(
            request.user,
            ProjectId(path_id(project_id)),
            UserId(path_id(user_id)),
            role=data.role,
            expected=expected_versions(request),
        )
        return versioned(view(card), card.member.version)

    @delete("/{user_id:str}", opt=user_or_key(ProjectPermission.UPDATE) | revoking())
    async def remove_member(
        self, request: ActorRequest, project_id: PathId, user_id: PathId, members: NamedDependency[MemberService]
    ) -> None:
        """Remove somebody from a project; owners remove anybody, and everybody themselves. The last owner stays."""
        await members.remove(
            request.user,
            ProjectId(path_id(project_id)),
            UserId(path_id(user_id)),
            expected=expected_versions(request),
        )
