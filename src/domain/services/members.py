from collections.abc import Collection

from domain.errors import LastOwner, MemberNotFound
from domain.model.actors import Actor
from domain.model.changes import require_version
from domain.model.ids import ProjectId, UserId
from domain.model.members import MEMBER_FIELDS, Member, MemberCard, ProjectRole, project_role
from domain.model.permissions import ProjectPermission, UserPermission
from domain.model.projects import Project
from domain.model.queries import Page, Query
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.project_access import locked_project, visible_project

MEMBERS_PER_PROJECT = 1000


class MemberService:
    """Owners manage who works on a project. There is always one; anybody else may leave.

    When whoever the project belongs to is an owner no more, it belongs to the owner who has been there for longest.
    """

    def __init__(
        self, *, uow: UnitOfWorkFactory, recorder: Recorder, clock: Clock, per_project: int = MEMBERS_PER_PROJECT
    ) -> None:
        self._uow = uow
        self._recorder = recorder
        self._clock = clock
        self._per_project = per_project

    async def list(self, actor: Actor, project_id: ProjectId, query: Query) -> Page[MemberCard]:
        """Raises PermissionDenied, Invalid, ProjectNotFound."""
        actor.require(ProjectPermission.READ)
        checked = query.within(MEMBER_FIELDS)
        async with self._uow.reading() as work:
            await visible_project(work, actor, project_id)
            page = await work.members.list_by_project(project_id, checked)
        return page.map(lambda card: _shown(actor, card))

    async def put(
        self,
        actor: Actor,
        project_id: ProjectId,
        user_id: UserId,
        *,
        role: str,
        expected: Collection[int] | None = None,
    ) -> MemberCard:
        """Add the user, or change their role; said again, it changes nothing. *expected* as in `ProjectService`.

        Raises PermissionDenied, also where an owner is made or unmade by whoever may not delete projects, Invalid,
        ProjectNotFound, ProjectRoleRequired, UserNotFound, PreconditionFailed, ProjectArchived, QuotaReached,
        LastOwner, ProjectNameTaken.
        """
        actor.require(ProjectPermission.UPDATE)
        wanted = project_role(role)
        _require_may_hand_on(actor, wanted)
        async with self._uow() as work:
            project = await locked_project(work, actor, project_id, ProjectRole.OWNER)
            user = await work.users.get(user_id)
            member = await work.members.find(project_id, user_id)
            require_version(member.version if member else 0, expected)
            project.writable()
            if member is None:
                kept = await self._added(work, actor, project, user_id, wanted)
            else:
                kept = await self._changed(work, actor, project, member, wanted)
        return _shown(actor, MemberCard.of(kept, user))

    async def remove(
        self, actor: Actor, project_id: ProjectId, user_id: UserId, *, expected: Collection[int] | None = None
    ) -> None:
        """Owners remove anybody, and everybody themselves; their tasks in it are nobody's then.

        Raises as `put` does, without Invalid, UserNotFound and QuotaReached; and MemberNotFound.
        """
        actor.require(ProjectPermission.UPDATE)
        least = ProjectRole.VIEWER if user_id == actor.user_id else ProjectRole.OWNER
        async with self._uow() as work:
            project = await locked_project(work, actor, project_id, least)
            if (member := await work.members.find(project_id, user_id)) is None:
                raise MemberNotFound
            require_version(member.version, expected)
            project.writable()
            await self._unowned(work, actor, project, member)
            await work.tasks.unassign(project_id, user_id, now=self._clock.now())
            await work.members.delete(member)
            await self._record(work, actor, "removed", member)

    async def _added(
        self, work: UnitOfWork, actor: Actor, project: Project, user_id: UserId, role: ProjectRole
    ) -> Member:
        member = Member(project_id=project.id, user_id=user_id, role=role, created_at=self._clock.now())
        await work.members.add(member, at_most=self._per_project)
        await self._record(work, actor, "added", member)
        return member

    async def _changed(
        self, work: UnitOfWork, actor: Actor, project: Project, member: Member, role: ProjectRole
    ) -> Member:
        if member.role is role:
            return member
        await self._unowned(work, actor, project, member)
        saved = await work.members.save(member.with_role(role))
        await self._record(work, actor, "changed", saved, before=member.role)
        return saved

    async def _unowned(self, work: UnitOfWork, actor: Actor, project: Project, member: Member) -> None:
        """Before *member* stops being an owner, if they are one."""
        if not member.owns:
            return
        if member.user_id != actor.user_id:
            _require_may_hand_on(actor, member.role)
        if (heir := await work.members.find_heir(project.id, member.user_id)) is None:
            raise LastOwner
        if project.owner_id == member.user_id:
            handed = project.handed_to(heir, now=self._clock.now())
            await work.projects.save(handed)
            await self._recorder.record(work, actor, "project.updated", project.id, project.difference(handed))

    async def _record(
        self, work: UnitOfWork, actor: Actor, verb: str, member: Member, *, before: ProjectRole | None = None
    ) -> None:
        role = member.role.value if before is None else {"before": before.value, "after": member.role.value}
        changes = {"user_id": str(member.user_id), "role": role}
        await self._recorder.record(work, actor, f"project.member_{verb}", member.project_id, changes)


def _require_may_hand_on(actor: Actor, role: ProjectRole) -> None:
    """Nobody hands on what they may not do: an owner may delete the project. Raises PermissionDenied."""
    if role is ProjectRole.OWNER:
        actor.require(ProjectPermission.DELETE)


def _shown(actor: Actor, card: MemberCard) -> MemberCard:
    return card if actor.may(UserPermission.READ) else card.without_email()
