"""`/v1/projects/{project_id}/tasks`: what is to be done in a project."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Moment, Patch
from app.http.doors import ActorRequest, user_or_key
from app.http.fields import Description, Title, described, given
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, list_query, listed, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, tagged, versioned
from domain.model.changes import Unset
from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.permissions import TaskPermission
from domain.model.tasks import TASK_FIELDS, Task
from domain.services.tasks import TaskService

Assignee = Annotated[UUID, described("Who is to do it: a member of the project.")]


class NewTask(Input, frozen=True, kw_only=True):
    title: Title
    description: Description | None = None
    due_at: Moment | None = None
    assignee_id: Assignee | None = None


class TaskPatch(Patch, frozen=True, kw_only=True):
    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    status: Literal["todo", "doing", "done"] | UnsetType = UNSET
    due_at: Moment | UnsetType | None = UNSET
    assignee_id: Assignee | UnsetType | None = UNSET


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    project_id: UUID
    title: str
    description: str | None
    status: str
    due_at: datetime | None
    assignee_id: UUID | None
    creator_id: UUID
    created_at: datetime
    updated_at: datetime


def view(task: Task) -> TaskView:
    return TaskView(
        id=task.id,
        project_id=task.project_id,
        title=task.title,
        description=task.description,
        status=task.status.value,
        due_at=task.due_at,
        assignee_id=task.assignee_id,
        creator_id=task.creator_id,
        created_at=task.created_at,
        updated_at=task.updated_at,
    )


def made(task: Task) -> Response[TaskView]:
    location = {"location": f"/v1/projects/{task.project_id}/tasks/{task.id}"}
    return versioned(view(task), task.version, status_code=201, headers=location)


class TaskController(Controller):
    path = "/projects/{project_id:str}/tasks"
    tags = ("Projects",)

    @post(opt=user_or_key(TaskPermission.CREATE) | repeatable())
    async def create_task(
        self,
        request: ActorRequest,
        project_id: PathId,
        data: RequestBody[NewTask],
        tasks: NamedDependency[TaskService],
    ) -> Response[TaskView]:
        """Create a task in a project that the caller may edit."""
        task = await tasks.create(
            request.user,
            ProjectId(path_id(project_id)),
            title=data.title,
            description=data.description,
            due_at=data.due_at,
            assignee_id=user_id_of(data.assignee_id),
            once=once(request, made),
        )
        return made(task)

    @get(opt=user_or_key(TaskPermission.READ) | listing(TASK_FIELDS))
    async def list_tasks(
        self, request: ActorRequest, project_id: PathId, tasks: NamedDependency[TaskService]
    ) -> ListView[TaskView]:
        """List the tasks of a project."""
        query = list_query(request, TASK_FIELDS)
        return listed(request, await tasks.list(request.user, ProjectId(path_id(project_id)), query), query, view)

    @get("/{task_id:str}", opt=user_or_key(TaskPermission.READ))
    async def get_task(
        self, request: ActorRequest, project_id: PathId, task_id: PathId, tasks: NamedDependency[TaskService]
    ) -> Response[TaskView]:
        """Get one task."""
        task = await tasks.get(request.user, ProjectId(path_id(project_id)), TaskId(path_id(task_id)))
        return tagged(request, view(task), task.version)

    @patch("/{task_id:str}", opt=user_or_key(TaskPermission.UPDATE))
    async def update_task(
        self,
        request: ActorRequest,
        project_id: PathId,
        task_id: PathId,
        data: RequestBody[TaskPatch],
        tasks: NamedDependency[TaskService],
    ) -> Response[TaskView]:
        """Change some members of a task; `null` clears, an absent member stays."""
        task = await tasks.update(
            request.user,
            ProjectId(path_id(project_id)),
            TaskId(path_id(task_id)),
            title=given(data.title),
            description=given(data.description),
            status=given(data.status),
            due_at=given(data.due_at),
            assignee_id=assigned(data.assignee_id),
            expected=expected_versions(request),
        )
        return tagged(request, view(task), task.version)

    @delete("/{task_id:str}", opt=user_or_key(TaskPermission.DELETE))
    async def delete_task(
        self, request: ActorRequest, project_id: PathId, task_id: PathId, tasks: NamedDependency[TaskService]
    ) -> None:
        """Delete a task."""
        await tasks.delete(
            request.user,
            ProjectId(path_id(project_id)),
            TaskId(path_id(task_id)),
            expected=expected_versions(request),
        )


def user_id_of(raw: UUID | None) -> UserId | None:
    return None if raw is None else UserId(raw)


def assigned(raw: UUID | UnsetType | None) -> UserId | Unset | None:
    value = given(raw)
    return value if isinstance(value, Unset) else user_id_of(value)
