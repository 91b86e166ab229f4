from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from heapq import nsmallest
from operator import attrgetter

from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import NotFound, QuotaReached, TaskNotFound
from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.members import Member
from domain.model.projects import Project
from domain.model.queries import Page, Query
from domain.model.tasks import Task
from domain.model.users import User


class MemoryTaskRepository:
    def __init__(
        self, tasks: Table[Task], projects: Table[Project], members: Table[Member], users: Table[User]
    ) -> None:
        self._tasks = tasks
        self._projects = projects
        self._members = members
        self._users = users

    async def add(self, task: Task, *, at_most: int) -> None:
        tasks = self._tasks.writing
        if sum(1 for _ in tasks.where("project", task.project_id)) >= at_most:
            tasks.refuse(QuotaReached(f"a project has at most {at_most} tasks"))
        people = {task.creator_id, task.assignee_id} - {None}
        if self._projects.find(task.project_id) is None or None in map(self._users.find, people):
            tasks.refuse(NotFound())
        tasks.insert(task)

    async def get(self, project_id: ProjectId, task_id: TaskId) -> Task:
        return _of_project(self._tasks, project_id, task_id)

    async def lock(self, project_id: ProjectId, task_id: TaskId) -> Task:
        return _of_project(self._tasks.writing, project_id, task_id)

    async def save(self, task: Task) -> Task:
        tasks = self._tasks.writing
        present(tasks, task)
        if task.assignee_id is not None:
            self._users.writing.require(task.assignee_id)
        return update(tasks, task)

    async def delete(self, task: Task) -> None:
        tasks = self._tasks.writing
        present(tasks, task)
        tasks.remove(task.id)

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[Task]:
        return page_of(self._tasks.where("project", project_id), query)

    async def unassign(self, project_id: ProjectId, user_id: UserId, *, now: datetime) -> int:
        tasks = self._tasks.writing
        theirs = [task for task in tasks.where("assignee", user_id) if task.project_id == project_id]
        for task in theirs:
            update(tasks, replace(task, assignee_id=None, updated_at=now))
        return len(theirs)

    async def list_by_assignee(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        return _page(self._tasks.where("assignee", user_id), limit, after)

    async def list_by_creator(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        made = self._tasks.where("creator", user_id)
        seen = (task for task in made if self._members.find((task.project_id, user_id)) is not None)
        return _page(seen, limit, after)


def _of_project(tasks: Table[Task], project_id: ProjectId, task_id: TaskId) -> Task:
    task = tasks.get(task_id)
    if task.project_id != project_id:
        raise TaskNotFound
    return task


def _page(tasks: Iterable[Task], limit: int, after: TaskId | None) -> tuple[Task, ...]:
    return tuple(nsmallest(limit, (task for task in tasks if after is None or task.id > after), key=attrgetter("id")))
