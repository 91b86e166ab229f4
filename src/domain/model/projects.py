"""What users and keys work on."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import BoundToProjects, ProjectNotFound
from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, changed
from domain.model.ids import ProjectId, UserId
from domain.model.permissions import ProjectPermission

PROJECT_SORTS = ("created_at", "name", "updated_at")


def require_unbound(actor: Actor) -> None:
    """A key that may touch certain projects only makes no other. Raises BoundToProjects."""
    if actor.project_ids:
        raise BoundToProjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A name is unique among one owner's projects."""

    id: ProjectId
    owner_id: UserId
    name: str
    description: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def visible_to(self, actor: Actor) -> "Project":
        """This project, for whoever may see it. Raises ProjectNotFound."""
        if not actor.sees(self.owner_id, any_permission=ProjectPermission.ANY):
            raise ProjectNotFound
        if actor.project_ids and self.id not in actor.project_ids:
            raise ProjectNotFound
        return self

    def edit(self, *, name: str | Unset = UNSET, description: str | Unset | None = UNSET, now: datetime) -> "Project":
        return replace(
            self, name=changed(name, self.name), description=changed(description, self.description), updated_at=now
        )

    def difference(self, after: "Project") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        members = {"name": (self.name, after.name), "description": (self.description, after.description)}
        return {member: {"before": old, "after": new} for member, (old, new) in members.items() if old != new}
