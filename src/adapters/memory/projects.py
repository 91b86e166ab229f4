from collections.abc import Set

from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import QuotaReached
from domain.model.ids import ProjectId, UserId
from domain.model.leases import subject
from domain.model.members import Member
from domain.model.projects import Project
from domain.model.queries import Page, Query
from domain.model.tasks import Task
from domain.model.users import User


class MemoryProjectRepository:
    def __init__(
        self,
        projects: Table[Project],
        members: Table[Member],
        tasks: Table[Task],
        users: Table[User],
        changed: Changed,
    ) -> None:
        self._changed = changed
        self._projects = projects
        self._members = members
        self._tasks = tasks
        self._users = users

    async def add(self, project: Project, *, at_most: int) -> None:
        projects = self._projects.writing
        self._users.writing.require(project.owner_id)
        if sum(1 for _ in projects.where("owner", project.owner_id)) >= at_most:
            projects.refuse(QuotaReached(f"a user has at most {at_most} projects"))
        projects.insert(project)
        self._members.writing.insert(project.founder())

    async def get(self, project_id: ProjectId) -> Project:
        return self._projects.get(project_id)

    async def hold(self, project_id: ProjectId) -> Project:
        return self._projects.writing.get(project_id)

    async def lock(self, project_id: ProjectId) -> Project:
        return self._projects.writing.get(project_id)

    async def save(self, project: Project) -> Project:
        projects = self._projects.writing
        present(projects, project)
        self._users.writing.require(project.owner_id)
        return update(projects, project)

    async def delete(self, project: Project) -> None:
        projects = self._projects.writing
        self._changed(subject("project", project.id))
        present(projects, project)
        projects.remove(project.id)
        self._members.writing.remove_where("project", project.id)
        self._tasks.writing.remove_where("project", project.id)

    async def list_by_owner(
        self, owner_id: UserId | None, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        rows = self._projects if owner_id is None else self._projects.where("owner", owner_id)
        return page_of((row for row in rows if not only or row.id in only), query)

    async def list_by_member(
        self, user_id: UserId, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        rows = (self._projects.get(member.project_id) for member in self._members.where("user", user_id))
        return page_of((row for row in rows if not only or row.id in only), query)
