from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Patch
from app.http.doors import ActorRequest, user_or_key
from app.http.fields import Description, Name, given
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, list_query, listed, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, tagged, versioned
from domain.model.ids import ProjectId
from domain.model.permissions import ProjectPermission
from domain.model.projects import PROJECT_FIELDS, Project
from domain.services.projects import ProjectService


class NewProject(Input, frozen=True, kw_only=True):
    name: Name
    description: Description | None = None


class ProjectPatch(Patch, frozen=True, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None
    owner_id: UUID
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


def view(project: Project) -> ProjectView:
    return ProjectView(
        id=project.id,
        name=project.name,
        description=project.description,
        owner_id=project.owner_id,
        archived_at=project.archived_at,
        created_at=project.created_at,
        updated_at=project.updated_at,
    )


def made(project: Project) -> Response[ProjectView]:
    location = {"location": f"/v1/projects/{project.id}"}
    return versioned(view(project), project.version, status_code=201, headers=location)


class ProjectController(Controller):
    path = "/projects"
    tags = ("Projects",)

    @post(opt=user_or_key(ProjectPermission.CREATE) | repeatable())
    async def create_project(
        self, request: ActorRequest, data: RequestBody[NewProject], projects: NamedDependency[ProjectService]
    ) -> Response[ProjectView]:
        """Create a project that the caller owns."""
        project = await projects.create(
            request.user, name=data.name, description=data.description, once=once(request, made)
        )
        return made(project)

    @get(opt=user_or_key(ProjectPermission.READ) | listing(PROJECT_FIELDS))
    async def list_projects(
        self, request: ActorRequest, projects: NamedDependency[ProjectService]
    ) -> ListView[ProjectView]:
        """List the projects that the caller may see."""
        query = list_query(request, PROJECT_FIELDS)
        return listed(request, await projects.list(request.user, query), query, view)

    @get("/{project_id:str}", opt=user_or_key(ProjectPermission.READ))
    async def get_project(
        self, request: ActorRequest, project_id: PathId, projects: NamedDependency[ProjectService]
    ) -> Response[ProjectView]:
        """Get one project."""
        project = await projects.get(request.user, ProjectId(path_id(project_id)))
        return tagged(request, view(project), project.version)

    @put("/{project_id:str}", opt=user_or_key(ProjectPermission.UPDATE))
    async def replace_project(
        self,
        request: ActorRequest,
        project_id: PathId,
        data: RequestBody[NewProject],
        projects: NamedDependency[ProjectService],
    ) -> Response[ProjectView]:
        """Replace what the caller may write of a project."""
        project = await projects.update(
            request.user,
            ProjectId(path_id(project_id)),
            name=data.name,
            description=data.description,
            expected=expected_versions(request),
        )
        return tagged(request, view(project), project.version)

    @patch("/{project_id:str}", opt=user_or_key(ProjectPermission.UPDATE))
    async def update_project(
        self,
        request: ActorRequest,
        project_id: PathId,
        data: RequestBody[ProjectPatch],
        projects: NamedDependency[ProjectService],
    ) -> Response[ProjectView]:
        """Change some members of a project; `null` clears, an absent member stays."""
        project = await projects.update(
            request.user,
            ProjectId(path_id(project_id)),
            name=given(data.name),
            description=given(data.description),
            expected=expected_versions(request),
        )
        return tagged(request, view(project), project.version)

    @delete("/{project_id:str}", opt=user_or_key(ProjectPermission.DELETE))
    async def delete_project(
        self, request: ActorRequest, project_id: PathId, projects: NamedDependency[ProjectService]
    ) -> None:
        """Delete a project with its tasks, archived or not; the caller is an owner of it."""
        await projects.delete(request.user, ProjectId(path_id(project_id)), expected=expected_versions(request))

    @post(
        "/{project_id:str}/archive",
        status_code=200,
        opt=user_or_key(ProjectPermission.UPDATE, ProjectPermission.READ),
    )
    async def archive_project(
        self, request: ActorRequest, project_id: PathId, projects: NamedDependency[ProjectService]
    ) -> Response[ProjectView]:
        """Make a project read-only, its tasks and members as well; the caller is an owner of it."""
        project = await projects.archive(
            request.user, ProjectId(path_id(project_id)), expected=expected_versions(request)
        )
        return tagged(request, view(project), project.version)

    @post(
        "/{project_id:str}/unarchive",
        status_code=200,
        opt=user_or_key(ProjectPermission.UPDATE, ProjectPermission.READ),
    )
    async def unarchive_project(
        self, request: ActorRequest, project_id: PathId, projects: NamedDependency[ProjectService]
    ) -> Response[ProjectView]:
        """Make an archived project writable again; the caller is an owner of it."""
        project = await projects.unarchive(
            request.user, ProjectId(path_id(project_id)), expected=expected_versions(request)
        )
        return tagged(request, view(project), project.version)
