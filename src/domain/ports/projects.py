from collections.abc import Set
from typing import Protocol

from domain.model.ids import ProjectId, UserId
from domain.model.projects import Project
from domain.model.queries import Page, Query


class ProjectRepository(Protocol):
    """A name is unique among one owner's projects."""

    async def add(self, project: Project, *, at_most: int) -> None:
        """Its owner becomes its first member.

        Raises UserNotFound for the owner, QuotaReached when the owner has *at_most* projects (a guard against
        heaps, not exact: callers who race may pass it by their number), ProjectNameTaken.
        """

    async def get(self, project_id: ProjectId) -> Project:
        """Raises ProjectNotFound."""

    async def hold(self, project_id: ProjectId) -> Project:
        """As `get`; and until the unit ends others may hold it too, but nobody locks, saves or deletes it.

        Raises ProjectNotFound.
        """

    async def lock(self, project_id: ProjectId) -> Project:
        """As `get`; and until the unit ends nobody else holds, locks, saves or deletes it. Raises ProjectNotFound."""

    async def save(self, project: Project) -> Project:
        """The project with its next version.

        Raises ProjectNotFound, EditConflict, UserNotFound for the owner, ProjectNameTaken.
        """

    async def delete(self, project: Project) -> None:
        """With its members and tasks. Raises ProjectNotFound, EditConflict."""

    async def list_by_owner(
        self, owner_id: UserId | None, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        """By PROJECT_FIELDS; of every owner where *owner_id* is None; *only* narrows it unless empty."""

    async def list_by_member(
        self, user_id: UserId, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        """As `list_by_owner`, of which the user is a member."""
