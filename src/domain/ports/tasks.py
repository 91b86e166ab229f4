from datetime import datetime
from typing import Protocol

from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.queries import Page, Query
from domain.model.tasks import Task


class TaskRepository(Protocol):
    """A task is found in its own project only."""

    async def add(self, task: Task, *, at_most: int) -> None:
        """Raises NotFound for a project or a user that is not there, QuotaReached when the project has *at_most* tasks
        (a guard against heaps, not exact: callers who race may pass it by their number).
        """

    async def get(self, project_id: ProjectId, task_id: TaskId) -> Task:
        """Raises TaskNotFound."""

    async def lock(self, project_id: ProjectId, task_id: TaskId) -> Task:
        """As `get`; and until the unit ends nobody else locks, saves or deletes it. Raises TaskNotFound."""

    async def save(self, task: Task) -> Task:
        """The task with its next version.

        Raises TaskNotFound, EditConflict, UserNotFound for who is to do it.
        """

    async def delete(self, task: Task) -> None:
        """Raises TaskNotFound, EditConflict."""

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[Task]:
        """By TASK_FIELDS."""

    async def unassign(self, project_id: ProjectId, user_id: UserId, *, now: datetime) -> int:
        """The user has none of the project's tasks to do any more; how many they had."""

    async def list_by_assignee(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        """In every project, by id, from the one *after* that on."""

    async def list_by_creator(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        """As `list_by_assignee`, of the projects that the user is still a member of."""
