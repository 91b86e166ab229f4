"""What is to be done in a project."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from domain.errors import Invalid
from domain.model.changes import UNSET, Unset, changed
from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.queries import Choice, Field, Fields, Id, Instant, Text
from domain.model.texts import TITLE_LIMIT


class TaskStatus(StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"


TASK_FIELDS = Fields(
    Field("title", Text(TITLE_LIMIT), sorts=True),
    Field("status", Choice(TaskStatus)),
    Field("assignee_id", Id(), optional=True),
    Field("creator_id", Id()),
    Field("due_at", Instant(), sorts=True, optional=True),
    Field("created_at", Instant(), sorts=True),
    Field("updated_at", Instant(), sorts=True),
)


def task_status(raw: str, field: str = "status") -> TaskStatus:
    """Raises Invalid."""
    try:
        return TaskStatus(raw)
    except ValueError:
        raise Invalid(field, f"is one of {', '.join(TaskStatus)}") from None


def due_time(at: datetime | None, field: str = "due_at") -> datetime | None:
    """*at* in UTC; it may be past. Raises Invalid at the ends of the calendar, where that is no time at all."""
    try:
        return None if at is None else at.astimezone(UTC)
    except OverflowError:
        raise Invalid(field, "lies between the years 1 and 9999 in UTC") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """*assignee_id* is a member of the project; *creator_id* was one, or might touch any, when it was made."""

    id: TaskId
    project_id: ProjectId
    creator_id: UserId
    assignee_id: UserId | None = None
    title: str
    description: str | None = None
    status: TaskStatus = TaskStatus.TODO
    due_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def edit(
        self,
        *,
        title: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        status: TaskStatus | Unset = UNSET,
        due_at: datetime | Unset | None = UNSET,
        assignee_id: UserId | Unset | None = UNSET,
        now: datetime,
    ) -> "Task":
        return replace(
            self,
            title=changed(title, self.title),
            description=changed(description, self.description),
            status=changed(status, self.status),
            due_at=changed(due_at, self.due_at),
            assignee_id=changed(assignee_id, self.assignee_id),
            updated_at=now,
        )

    def difference(self, after: "Task") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``."""
        before, now = _shown(self), _shown(after)
        return {name: {"before": before[name], "after": now[name]} for name in before if before[name] != now[name]}


def _shown(task: Task) -> dict[str, object]:
    return {
        "title": task.title,
        "description": task.description,
        "status": task.status.value,
        "due_at": None if task.due_at is None else task.due_at.isoformat(),
        "assignee_id": None if task.assignee_id is None else str(task.assignee_id),
    }
