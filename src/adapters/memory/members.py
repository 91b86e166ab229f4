from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter

from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import EditConflict, NotFound, QuotaReached
from domain.model.ids import ProjectId, UserId
from domain.model.leases import subject
from domain.model.members import Member, MemberCard
from domain.model.projects import Project
from domain.model.queries import Page, Query
from domain.model.users import User


class MemoryMemberRepository:
    def __init__(self, members: Table[Member], projects: Table[Project], users: Table[User], changed: Changed) -> None:
        self._changed = changed
        self._members = members
        self._projects = projects
        self._users = users

    async def add(self, member: Member, *, at_most: int) -> None:
        self._changed(subject("user", member.user_id))
        members = self._members.writing
        if sum(1 for _ in members.where("project", member.project_id)) >= at_most:
            members.refuse(QuotaReached(f"a project has at most {at_most} members"))
        if self._projects.find(member.project_id) is None or self._users.find(member.user_id) is None:
            members.refuse(NotFound())
        if members.find(member.id) is not None:
            members.refuse(EditConflict())
        members.insert(member)

    async def find(self, project_id: ProjectId, user_id: UserId) -> Member | None:
        return self._members.find((project_id, user_id))

    async def save(self, member: Member) -> Member:
        self._changed(subject("user", member.user_id))
        members = self._members.writing
        kept = update(members, replace(present(members, member), role=member.role))
        return replace(member, version=kept.version)

    async def delete(self, member: Member) -> None:
        self._changed(subject("user", member.user_id))
        members = self._members.writing
        present(members, member)
        members.remove(member.id)

    async def find_heir(self, project_id: ProjectId, user_id: UserId) -> Member | None:
        heirs = (member for member in self._members.where("project", project_id) if member.owns)
        others = (member for member in heirs if member.user_id != user_id)
        return min(others, key=attrgetter("created_at", "user_id"), default=None)

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[MemberCard]:
        members = self._members.where("project", project_id)
        return page_of((MemberCard.of(member, self._users.get(member.user_id)) for member in members), query)

    async def list_by_user(self, user_id: UserId, limit: int, *, after: ProjectId | None = None) -> tuple[Member, ...]:
        members = self._members.where("user", user_id)
        later = (member for member in members if after is None or member.project_id > after)
        return tuple(nsmallest(limit, later, key=attrgetter("project_id")))
