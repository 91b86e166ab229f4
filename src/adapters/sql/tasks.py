from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, Select, String, bindparam, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, code_points, columns_of, folded, table_of
from adapters.sql.members import PROJECTS_OF_USER
from adapters.sql.queries import Listing
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import NotFound, QuotaReached, TaskNotFound, UserNotFound
from domain.model.ids import ProjectId, TaskId, UserId
from domain.model.queries import Page, Query
from domain.model.tasks import TASK_FIELDS, Task, TaskStatus
from domain.model.texts import TITLE_LIMIT


class TaskRow(Row):
    __tablename__ = "tasks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(Id, ForeignKey("projects.id", ondelete="CASCADE"))
    creator_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(code_points(TITLE_LIMIT))
    description: Mapped[str | None] = mapped_column(code_points(1024))
    status: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    title_folded: Mapped[str] = mapped_column(folded(TITLE_LIMIT))

    __table_args__ = (
        Index(None, "project_id", "created_at", "id"),
        Index(None, "assignee_id", "id"),
        Index(None, "creator_id", "id"),
    )


_TASKS = table_of(TaskRow)
_OF_PROJECT = _TASKS.c.project_id == bindparam("of_project")
_ROWS = select(*columns_of(_TASKS))
_ONE = _ROWS.where(_TASKS.c.id == bindparam("id"), _OF_PROJECT)

_ADD = insert_below(_TASKS, select(func.count(_TASKS.c.id)).where(_OF_PROJECT))
_GET = Statement(_ONE)
_LOCK = Statement(_ONE.with_for_update())
_VERSIONS = VersionedTable(
    _TASKS,
    mutable=("title", "title_folded", "description", "status", "due_at", "assignee_id", "updated_at"),
    absent=TaskNotFound,
)
_LISTING = Listing.of(_TASKS, TASK_FIELDS, _OF_PROJECT)
_UNASSIGN = Statement(
    update(_TASKS)
    .where(_OF_PROJECT, _TASKS.c.assignee_id == bindparam("of_user"))
    .values(assignee_id=None, updated_at=bindparam("now"), version=_TASKS.c.version + 1)
)
_ASSIGNED = _ROWS.where(_TASKS.c.assignee_id == bindparam("of_user"))
_CREATED = _ROWS.where(_TASKS.c.creator_id == bindparam("of_user"), _TASKS.c.project_id.in_(PROJECTS_OF_USER))


def _pages(rows: Select[Any]) -> tuple[Statement, Statement]:
    """The first page, and the one after some id."""
    page = rows.order_by(_TASKS.c.id).limit(bindparam("limit", type_=Integer))
    return Statement(page), Statement(page.where(_TASKS.c.id > bindparam("after")))


_BY_ASSIGNEE, _BY_CREATOR = _pages(_ASSIGNED), _pages(_CREATED)


def _values(task: Task) -> dict[str, Any]:
    return {
        "title": task.title,
        "title_folded": task.title.casefold(),
        "description": task.description,
        "status": task.status.value,
        "due_at": task.due_at,
        "assignee_id": task.assignee_id,
        "updated_at": task.updated_at,
    }


def _task(row: tuple[Any, ...]) -> Task:
    (
        task_id,
        project_id,
        creator_id,
        assignee_id,
        title,
        description,
        status,
        due_at,
        created_at,
        updated_at,
        version,
    ) = row
    return Task(
        id=task_id,
        project_id=project_id,
        creator_id=creator_id,
        assignee_id=assignee_id,
        title=title,
        description=description,
        status=TaskStatus(status),
        due_at=due_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


class SqlTaskRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, task: Task, *, at_most: int) -> None:
        with refusing(missing=NotFound()):
            added = await self._connection.execute(
                _ADD,
                at_most=at_most,
                of_project=task.project_id,
                id=task.id,
                project_id=task.project_id,
                creator_id=task.creator_id,
                created_at=task.created_at,
                version=task.version,
                **_values(task),
            )
        if not added:
            self._connection.refuse(QuotaReached(f"a project has at most {at_most} tasks"))

    async def get(self, project_id: ProjectId, task_id: TaskId) -> Task:
        return await self._only(_GET, project_id, task_id)

    async def lock(self, project_id: ProjectId, task_id: TaskId) -> Task:
        return await self._only(_LOCK, project_id, task_id)

    async def save(self, task: Task) -> Task:
        with refusing(missing=UserNotFound()):
            return await _VERSIONS.save(self._connection, task, _values(task))

    async def delete(self, task: Task) -> None:
        await _VERSIONS.delete(self._connection, task)

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[Task]:
        return await _LISTING.page(self._connection, query, _task, of_project=project_id)

    async def unassign(self, project_id: ProjectId, user_id: UserId, *, now: datetime) -> int:
        return await self._connection.execute(_UNASSIGN, of_project=project_id, of_user=user_id, now=now)

    async def list_by_assignee(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        return await self._page(_BY_ASSIGNEE, user_id, limit, after)

    async def list_by_creator(self, user_id: UserId, limit: int, *, after: TaskId | None = None) -> tuple[Task, ...]:
        return await self._page(_BY_CREATOR, user_id, limit, after)

    async def _page(
        self, pages: tuple[Statement, Statement], user_id: UserId, limit: int, after: TaskId | None
    ) -> tuple[Task, ...]:
        first, later = pages
        if after is None:
            rows = await self._connection.fetch(first, of_user=user_id, limit=limit)
        else:
            rows = await self._connection.fetch(later, of_user=user_id, limit=limit, after=after)
        return tuple(map(_task, rows))

    async def _only(self, statement: Statement, project_id: ProjectId, task_id: TaskId) -> Task:
        if (row := await self._connection.fetch_one(statement, of_project=project_id, id=task_id)) is None:
            raise TaskNotFound
        return _task(row)
