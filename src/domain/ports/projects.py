from collections.abc import Set
from typing import Protocol

from domain.model.ids import ProjectId, UserId
from domain.model.projects import Project
from domain.model.queries import Page, Query


class ProjectRepository(Protocol):
    """A name is unique among one owner's projects."""

    async def add(self, project: Project, *, at_most: int) -> None:
        """Raises UserNotFound for the owner, QuotaReached when the owner has *at_most* projects (a guard against
        heaps, not exact: callers who race may pass it by their number), ProjectNameTaken.
        """

    async def get(self, project_id: ProjectId) -> Project:
        """Raises ProjectNotFound."""

    async def save(self, project: Project) -> Project:
        """The project with its next version. Raises ProjectNotFound, EditConflict, ProjectNameTaken."""

    async def delete(self, project: Project) -> None:
        """Raises ProjectNotFound, EditConflict."""

    async def list_by_owner(
        self, owner_id: UserId | None, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        """Sorted by PROJECT_SORTS; of every owner where *owner_id* is None; *only* narrows it unless empty."""
