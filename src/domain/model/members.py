"""Who works on which project, and as what."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.errors import Invalid
from domain.model.ids import ProjectId, UserId
from domain.model.queries import Choice, Field, Fields, Id, Instant, Text
from domain.model.texts import NAME_LIMIT
from domain.model.users import USERNAME_LIMIT, EmailAddress, User, Username


class ProjectRole(StrEnum):
    """From the lowest to the highest; each may do what those before it may.

    A viewer reads, an editor writes the project and its tasks, an owner manages members, archives and deletes.
    """

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"

    def covers(self, least: "ProjectRole") -> bool:
        order = tuple(ProjectRole)
        return order.index(self) >= order.index(least)


MEMBER_FIELDS = Fields(
    Field("user_id", Id(), of="id"),
    Field("role", Choice(ProjectRole)),
    Field("username", Text(USERNAME_LIMIT, folded=True), sorts=True, optional=True),
    Field("name", Text(NAME_LIMIT), sorts=True, optional=True),
    Field("created_at", Instant(), sorts=True),
)


def project_role(raw: str, field: str = "role") -> ProjectRole:
    """Raises Invalid."""
    try:
        return ProjectRole(raw)
    except ValueError:
        raise Invalid(field, f"is one of {', '.join(ProjectRole)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One user in one project. Who is deactivated stays one, and cannot act."""

    project_id: ProjectId
    user_id: UserId
    role: ProjectRole
    created_at: datetime
    version: int = 1

    @property
    def id(self) -> tuple[ProjectId, UserId]:
        return self.project_id, self.user_id

    @property
    def owns(self) -> bool:
        return self.role is ProjectRole.OWNER

    def with_role(self, role: ProjectRole) -> "Member":
        return replace(self, role=role)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCard:
    """A member as the others see them. The address is for those only who may read users."""

    member: Member
    username: Username | None
    name: str | None
    email: EmailAddress | None

    @classmethod
    def of(cls, member: Member, user: User) -> "MemberCard":
        return cls(member=member, username=user.username, name=user.name, email=user.email)

    @property
    def id(self) -> UserId:
        return self.member.user_id

    @property
    def role(self) -> ProjectRole:
        return self.member.role

    @property
    def created_at(self) -> datetime:
        return self.member.created_at

    def without_email(self) -> "MemberCard":
        return replace(self, email=None)
