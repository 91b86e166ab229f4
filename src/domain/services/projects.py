from collections.abc import Callable, Collection

from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset
from domain.model.ids import ProjectId
from domain.model.members import ProjectRole
from domain.model.permissions import ProjectPermission
from domain.model.projects import PROJECT_FIELDS, Project, require_unbound
from domain.model.queries import Page, Query
from domain.model.texts import description_text, name_text
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.project_access import locked_project, visible_project

PROJECTS_PER_OWNER = 1000


class ProjectService:
    """Whoever is a member sees a project, editors change it, owners archive and delete it.

    An archived one is only read, until it is unarchived; it may be deleted all the same.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
        per_owner: int = PROJECTS_PER_OWNER,
    ) -> None:
        self._uow = uow
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._per_owner = per_owner

    async def create(
        self, actor: Actor, *, name: str, description: str | None = None, once: Once[Project] = REPEATEDLY
    ) -> Project:
        """Raises PermissionDenied, BoundToProjects, Invalid, QuotaReached, ProjectNameTaken."""
        actor.require(ProjectPermission.CREATE)
        require_unbound(actor)
        now = self._clock.now()
        project = Project(
            id=ProjectId(self._ids.new()),
            owner_id=actor.owner(),
            name=name_text(name),
            description=description_text(description),
            created_at=now,
            updated_at=now,
        )
        async with self._uow() as work:
            await work.projects.add(project, at_most=self._per_owner)
            await self._recorder.record(work, actor, "project.created", project.id, {"name": project.name})
            await once.keep(work, project)
        return project

    async def get(self, actor: Actor, project_id: ProjectId) -> Project:
        """Raises PermissionDenied, ProjectNotFound."""
        actor.require(ProjectPermission.READ)
        async with self._uow.reading() as work:
            return await visible_project(work, actor, project_id)

    async def list(self, actor: Actor, query: Query) -> Page[Project]:
        """The projects that *actor* may see. Raises PermissionDenied, Invalid."""
        actor.require(ProjectPermission.READ)
        checked = query.within(PROJECT_FIELDS)
        async with self._uow.reading() as work:
            if actor.may(ProjectPermission.ANY):
                return await work.projects.list_by_owner(None, checked, only=actor.project_ids)
            return await work.projects.list_by_member(actor.owner(), checked, only=actor.project_ids)

    async def update(
        self,
        actor: Actor,
        project_id: ProjectId,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        expected: Collection[int] | None = None,
    ) -> Project:
        """Change what is given; *expected* are the versions that the caller has read, None is whichever.

        Raises PermissionDenied, Invalid, ProjectNotFound, ProjectRoleRequired, PreconditionFailed, ProjectArchived,
        ProjectNameTaken.
        """
        actor.require(ProjectPermission.UPDATE)
        new_name = name if isinstance(name, Unset) else name_text(name)
        text = description if isinstance(description, Unset) else description_text(description)
        async with self._uow() as work:
            project = await locked_project(work, actor, project_id, ProjectRole.EDITOR, expected=expected)
            edited = project.writable().edit(name=new_name, description=text, now=self._clock.now())
            saved = await work.projects.save(edited)
            await self._recorder.record(work, actor, "project.updated", project.id, project.difference(edited))
        return saved

    async def archive(self, actor: Actor, project_id: ProjectId, *, expected: Collection[int] | None = None) -> Project:
        """Nothing of it is written until it is unarchived; said again, it changes nothing.

        Raises PermissionDenied, ProjectNotFound, ProjectRoleRequired, PreconditionFailed.
        """
        return await self._turned(
            actor, project_id, "archived", lambda project: project.archive(now=self._clock.now()), expected
        )

    async def unarchive(
        self, actor: Actor, project_id: ProjectId, *, expected: Collection[int] | None = None
    ) -> Project:
        """Said again, it changes nothing. Raises as `archive` does."""
        return await self._turned(
            actor, project_id, "unarchived", lambda project: project.unarchive(now=self._clock.now()), expected
        )

    async def delete(self, actor: Actor, project_id: ProjectId, *, expected: Collection[int] | None = None) -> None:
        """With its tasks; archived ones too. Raises PermissionDenied, ProjectNotFound, ProjectRoleRequired,
        PreconditionFailed.
        """
        actor.require(ProjectPermission.DELETE)
        async with self._uow() as work:
            project = await locked_project(work, actor, project_id, ProjectRole.OWNER, expected=expected)
            await work.projects.delete(project)
            await self._recorder.record(work, actor, "project.deleted", project.id, {"name": project.name})

    async def _turned(
        self,
        actor: Actor,
        project_id: ProjectId,
        verb: str,
        turn: Callable[[Project], Project],
        expected: Collection[int] | None,
    ) -> Project:
        actor.require(ProjectPermission.UPDATE, ProjectPermission.READ)
        async with self._uow() as work:
            project = await locked_project(work, actor, project_id, ProjectRole.OWNER, expected=expected)
            if (turned := turn(project)) is project:
                return project
            saved = await work.projects.save(turned)
            await self._recorder.record(work, actor, f"project.{verb}", project.id)
        return saved
