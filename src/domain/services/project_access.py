"""How a use case comes by a project that the actor may work on: looked at, held, or locked.

What is written is judged under the lock, so that whoever was removed, or whatever was archived, before it commits is
refused: the lock first, and then a look at the membership, which sees what those have done for whom it waited.
"""

from collections.abc import Collection

from domain.model.actors import Actor
from domain.model.changes import require_version
from domain.model.ids import ProjectId
from domain.model.members import ProjectRole
from domain.model.projects import Project
from domain.ports.unit_of_work import UnitOfWork


async def visible_project(work: UnitOfWork, actor: Actor, project_id: ProjectId) -> Project:
    """Raises ProjectNotFound."""
    return await _allowed(work, actor, await work.projects.get(project_id), ProjectRole.VIEWER)


async def held_project(work: UnitOfWork, actor: Actor, project_id: ProjectId) -> Project:
    """To write what is in it, beside others. Raises ProjectNotFound, ProjectRoleRequired."""
    return await _allowed(work, actor, await work.projects.hold(project_id), ProjectRole.EDITOR)


async def locked_project(
    work: UnitOfWork,
    actor: Actor,
    project_id: ProjectId,
    least: ProjectRole,
    *,
    expected: Collection[int] | None = None,
) -> Project:
    """To write it alone. Raises ProjectNotFound, ProjectRoleRequired, PreconditionFailed."""
    project = await _allowed(work, actor, await work.projects.lock(project_id), least)
    require_version(project.version, expected)
    return project


async def _allowed(work: UnitOfWork, actor: Actor, project: Project, least: ProjectRole) -> Project:
    """The membership is read for those only whom it concerns."""
    if project.is_owned_by(actor) or actor.user_id is None:
        return project.require_role(actor, None, least)
    return project.require_role(actor, await work.members.find(project.id, actor.user_id), least)
