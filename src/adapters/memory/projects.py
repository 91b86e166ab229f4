from collections.abc import Set

from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import QuotaReached
from domain.model.ids import ProjectId, UserId
from domain.model.leases import subject
from domain.model.projects import Project
from domain.model.queries import Page, Query
from domain.model.users import User


class MemoryProjectRepository:
    def __init__(self, projects: Table[Project], users: Table[User], changed: Changed) -> None:
        self._changed = changed
        self._projects = projects
        self._users = users

    async def add(self, project: Project, *, at_most: int) -> None:
        projects = self._projects.writing
        self._users.writing.require(project.owner_id)
        if sum(1 for _ in projects.where("owner", project.owner_id)) >= at_most:
            projects.refuse(QuotaReached(f"a user has at most {at_most} projects"))
        projects.insert(project)

    async def get(self, project_id: ProjectId) -> Project:
        return self._projects.get(project_id)

    async def save(self, project: Project) -> Project:
        return update(self._projects.writing, project)

    async def delete(self, project: Project) -> None:
        projects = self._projects.writing
        self._changed(subject("project", project.id))
        present(projects, project)
        projects.remove(project.id)

    async def list_by_owner(
        self, owner_id: UserId | None, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        rows = self._projects if owner_id is None else self._projects.where("owner", owner_id)
        return page_of((row for row in rows if not only or row.id in only), query)
