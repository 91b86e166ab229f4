"""What users and keys work on."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import BoundToProjects, ProjectArchived, ProjectNotFound, ProjectRoleRequired
from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, changed
from domain.model.ids import ProjectId, UserId
from domain.model.members import Member, ProjectRole
from domain.model.permissions import ProjectPermission
from domain.model.queries import Field, Fields, Id, Instant, Text
from domain.model.texts import NAME_LIMIT

PROJECT_FIELDS = Fields(
    Field("name", Text(NAME_LIMIT), sorts=True),
    Field("owner_id", Id()),
    Field("archived_at", Instant(), sorts=True, optional=True),
    Field("created_at", Instant(), sorts=True),
    Field("updated_at", Instant(), sorts=True),
)


def require_unbound(actor: Actor) -> None:
    """A key that may touch certain projects only makes no other. Raises BoundToProjects."""
    if actor.project_ids:
        raise BoundToProjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A name is unique among one owner's projects. That owner is a member with the role, and others may be as well."""

    id: ProjectId
    owner_id: UserId
    name: str
    description: str | None = None
    archived_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def founder(self) -> Member:
        """Whoever has it, as they are a member from its start on."""
        return Member(project_id=self.id, user_id=self.owner_id, role=ProjectRole.OWNER, created_at=self.created_at)

    def is_owned_by(self, actor: Actor) -> bool:
        """Whether *actor* may do what an owner may, whatever their membership says."""
        return actor.sees(self.owner_id, any_permission=ProjectPermission.ANY)

    def require_role(self, actor: Actor, member: Member | None, least: ProjectRole) -> "Project":
        """This project, for whoever has a role in it that covers *least*; *member* is what *actor* is in it, if they
        are. Who may not see it is told nothing of it.

        Raises ProjectNotFound, ProjectRoleRequired.
        """
        if actor.project_ids and self.id not in actor.project_ids:
            raise ProjectNotFound
        if not self.is_owned_by(actor):
            if member is None:
                raise ProjectNotFound
            if not member.role.covers(least):
                raise ProjectRoleRequired(least)
        return self

    def writable(self) -> "Project":
        """This project. Raises ProjectArchived."""
        if self.archived_at is not None:
            raise ProjectArchived
        return self

    def archive(self, *, now: datetime) -> "Project":
        """Said again, it is the same project."""
        return self if self.archived_at is not None else replace(self, archived_at=now, updated_at=now)

    def unarchive(self, *, now: datetime) -> "Project":
        """Said again, it is the same project."""
        return self if self.archived_at is None else replace(self, archived_at=None, updated_at=now)

    def handed_to(self, heir: Member, *, now: datetime) -> "Project":
        return replace(self, owner_id=heir.user_id, updated_at=now)

    def edit(self, *, name: str | Unset = UNSET, description: str | Unset | None = UNSET, now: datetime) -> "Project":
        return replace(
            self, name=changed(name, self.name), description=changed(description, self.description), updated_at=now
        )

    def difference(self, after: "Project") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        before, now = _shown(self), _shown(after)
        return {name: {"before": before[name], "after": now[name]} for name in before if before[name] != now[name]}


def _shown(project: Project) -> dict[str, object]:
    return {"name": project.name, "description": project.description, "owner_id": str(project.owner_id)}
