from collections.abc import Collection
from datetime import datetime

from domain.errors import Invalid
from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, require_version
from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.permissions import TaskPermission
from domain.model.queries import Page, Query
from domain.model.tasks import TASK_FIELDS, Task, due_time, task_status
from domain.model.texts import description_text, title_text
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.project_access import held_project, visible_project

TASKS_PER_PROJECT = 10_000


class TaskService:
    """Whoever sees the project reads its tasks, its editors and owners write them."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
        per_project: int = TASKS_PER_PROJECT,
    ) -> None:
        self._uow = uow
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._per_project = per_project

    async def create(
        self,
        actor: Actor,
        project_id: ProjectId,
        *,
        title: str,
        description: str | None = None,
        due_at: datetime | None = None,
        assignee_id: UserId | None = None,
        once: Once[Task] = REPEATEDLY,
    ) -> Task:
        """Raises PermissionDenied, Invalid, also for somebody who is no member of the project, ProjectNotFound,
        ProjectRoleRequired, ProjectArchived, QuotaReached.
        """
        actor.require(TaskPermission.CREATE)
        now = self._clock.now()
        task = Task(
            id=TaskId(self._ids.new()),
            project_id=project_id,
            creator_id=actor.owner(),
            assignee_id=assignee_id,
            title=title_text(title),
            description=description_text(description),
            due_at=due_time(due_at),
            created_at=now,
            updated_at=now,
        )
        async with self._uow() as work:
            (await held_project(work, actor, project_id)).writable()
            await _require_member(work, project_id, assignee_id)
            await work.tasks.add(task, at_most=self._per_project)
            await self._record(work, actor, "created", task, {"title": task.title})
            await once.keep(work, task)
        return task

    async def get(self, actor: Actor, project_id: ProjectId, task_id: TaskId) -> Task:
        """Raises PermissionDenied, ProjectNotFound, TaskNotFound."""
        actor.require(TaskPermission.READ)
        async with self._uow.reading() as work:
            await visible_project(work, actor, project_id)
            return await work.tasks.get(project_id, task_id)

    async def list(self, actor: Actor, project_id: ProjectId, query: Query) -> Page[Task]:
        """Raises PermissionDenied, Invalid, ProjectNotFound."""
        actor.require(TaskPermission.READ)
        checked = query.within(TASK_FIELDS)
        async with self._uow.reading() as work:
            await visible_project(work, actor, project_id)
            return await work.tasks.list_by_project(project_id, checked)

    async def update(
        self,
        actor: Actor,
        project_id: ProjectId,
        task_id: TaskId,
        *,
        title: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        status: str | Unset = UNSET,
        due_at: datetime | Unset | None = UNSET,
        assignee_id: UserId | Unset | None = UNSET,
        expected: Collection[int] | None = None,
    ) -> Task:
        """Change what is given; *expected* are the versions that the caller has read, None is whichever.

        Raises PermissionDenied, Invalid, also for somebody who is no member of the project, ProjectNotFound,
        ProjectRoleRequired, TaskNotFound, PreconditionFailed, ProjectArchived.
        """
        actor.require(TaskPermission.UPDATE)
        new_title = title if isinstance(title, Unset) else title_text(title)
        text = description if isinstance(description, Unset) else description_text(description)
        state = status if isinstance(status, Unset) else task_status(status)
        due = due_at if isinstance(due_at, Unset) else due_time(due_at)
        async with self._uow() as work:
            task = await self._writable(work, actor, project_id, task_id, expected)
            await _require_member(work, project_id, assignee_id)
            edited = task.edit(
                title=new_title,
                description=text,
                status=state,
                due_at=due,
                assignee_id=assignee_id,
                now=self._clock.now(),
            )
            saved = await work.tasks.save(edited)
            await self._record(work, actor, "updated", task, task.difference(edited))
        return saved

    async def delete(
        self, actor: Actor, project_id: ProjectId, task_id: TaskId, *, expected: Collection[int] | None = None
    ) -> None:
        """Raises PermissionDenied, ProjectNotFound, ProjectRoleRequired, TaskNotFound, PreconditionFailed,
        ProjectArchived.
        """
        actor.require(TaskPermission.DELETE)
        async with self._uow() as work:
            task = await self._writable(work, actor, project_id, task_id, expected)
            await work.tasks.delete(task)
            await self._record(work, actor, "deleted", task, {"title": task.title})

    async def _writable(
        self,
        work: UnitOfWork,
        actor: Actor,
        project_id: ProjectId,
        task_id: TaskId,
        expected: Collection[int] | None,
    ) -> Task:
        project = await held_project(work, actor, project_id)
        task = await work.tasks.lock(project_id, task_id)
        require_version(task.version, expected)
        project.writable()
        return task

    async def _record(self, work: UnitOfWork, actor: Actor, verb: str, task: Task, changes: dict[str, object]) -> None:
        about = {"project_id": str(task.project_id), **changes}
        await self._recorder.record(work, actor, f"task.{verb}", task.id, about)


async def _require_member(work: UnitOfWork, project_id: ProjectId, user_id: UserId | Unset | None) -> None:
    """Raises Invalid, which does not tell whether there is such a user at all."""
    if isinstance(user_id, Unset) or user_id is None:
        return
    if await work.members.find(project_id, user_id) is None:
        raise Invalid("assignee_id", "is not a member of the project")
