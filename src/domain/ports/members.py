from typing import Protocol

from domain.model.ids import ProjectId, UserId
from domain.model.members import Member, MemberCard
from domain.model.queries import Page, Query


class MemberRepository(Protocol):
    """Who has the project's `owner_id` is put here by `ProjectRepository.add`."""

    async def add(self, member: Member, *, at_most: int) -> None:
        """Raises QuotaReached when the project has *at_most* members, exact for those who have locked it; NotFound for
        a project or a user that is not there, EditConflict for somebody who is a member already.
        """

    async def find(self, project_id: ProjectId, user_id: UserId) -> Member | None: ...

    async def save(self, member: Member) -> Member:
        """The member with the next version. Raises MemberNotFound, EditConflict."""

    async def delete(self, member: Member) -> None:
        """Raises MemberNotFound, EditConflict."""

    async def find_heir(self, project_id: ProjectId, user_id: UserId) -> Member | None:
        """The owner who has been a member for longest, but for the user."""

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[MemberCard]:
        """By MEMBER_FIELDS, equal ones by the user's id."""

    async def list_by_user(self, user_id: UserId, limit: int, *, after: ProjectId | None = None) -> tuple[Member, ...]:
        """By the project's id, from the one *after* that on."""
