from collections.abc import Set
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Id, Row, code_points, columns_of, folded, table_of
from adapters.sql.members import MEMBERS, add_founder
from adapters.sql.queries import Listing
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import ProjectNameTaken, ProjectNotFound, QuotaReached, UserNotFound
from domain.model.ids import ProjectId, UserId
from domain.model.leases import subject
from domain.model.projects import PROJECT_FIELDS, Project
from domain.model.queries import Page, Query


class ProjectRow(Row):
    __tablename__ = "projects"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(code_points(128))
    description: Mapped[str | None] = mapped_column(code_points(1024))
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    name_folded: Mapped[str] = mapped_column(folded(128), server_default="")

    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "created_at", "id"),
    )


_PROJECTS = table_of(ProjectRow)
_OF_OWNER = _PROJECTS.c.owner_id == bindparam("owner_id")
_ONLY = _PROJECTS.c.id.in_(bindparam("only", expanding=True, type_=Id))

_ADD = insert_below(_PROJECTS, select(func.count(_PROJECTS.c.id)).where(_OF_OWNER))
_ONE = select(*columns_of(_PROJECTS)).where(_PROJECTS.c.id == bindparam("id"))
_GET = Statement(_ONE)
_HOLD = Statement(_ONE.with_for_update(read=True))
_LOCK = Statement(_ONE.with_for_update())
_VERSIONS = VersionedTable(
    _PROJECTS,
    mutable=("owner_id", "name", "name_folded", "description", "archived_at", "updated_at"),
    absent=ProjectNotFound,
)
_OF_MEMBER = MEMBERS.c.user_id == bindparam("of_user")
_LISTINGS = {
    (owned, narrowed): Listing.of(
        _PROJECTS, PROJECT_FIELDS, *([_OF_OWNER] if owned else []), *([_ONLY] if narrowed else [])
    )
    for owned in (True, False)
    for narrowed in (True, False)
}


def _of_member(*only: ColumnElement[bool]) -> Listing:
    """In the order of the memberships, so that those of the first page alone are looked up."""
    joined = MEMBERS.join(_PROJECTS, _PROJECTS.c.id == MEMBERS.c.project_id)
    return Listing(
        select(*columns_of(_PROJECTS)).select_from(joined).where(_OF_MEMBER, *only),
        select(func.count(MEMBERS.c.project_id)).select_from(joined).where(_OF_MEMBER, *only),
        columns={**{name: _PROJECTS.c[name] for name in PROJECT_FIELDS}, "created_at": MEMBERS.c.project_created_at},
        tie=MEMBERS.c.project_id,
    )


_OF_MEMBER_LISTINGS = {
    True: _of_member(MEMBERS.c.project_id.in_(bindparam("only", expanding=True, type_=Id))),
    False: _of_member(),
}


def _values(project: Project) -> dict[str, Any]:
    return {
        "owner_id": project.owner_id,
        "name": project.name,
        "name_folded": project.name.casefold(),
        "description": project.description,
        "archived_at": project.archived_at,
        "updated_at": project.updated_at,
    }


def _project(row: tuple[Any, ...]) -> Project:
    project_id, owner_id, name, description, archived_at, created_at, updated_at, version = row
    return Project(
        id=project_id,
        owner_id=owner_id,
        name=name,
        description=description,
        archived_at=archived_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


class SqlProjectRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, project: Project, *, at_most: int) -> None:
        with refusing(duplicate={"owner_id": ProjectNameTaken()}, missing=UserNotFound()):
            added = await self._connection.execute(
                _ADD,
                at_most=at_most,
                id=project.id,
                created_at=project.created_at,
                version=project.version,
                **_values(project),
            )
        if not added:
            self._connection.refuse(QuotaReached(f"a user has at most {at_most} projects"))
        await add_founder(self._connection, project.founder())

    async def get(self, project_id: ProjectId) -> Project:
        return await self._only(_GET, project_id)

    async def hold(self, project_id: ProjectId) -> Project:
        return await self._only(_HOLD, project_id)

    async def lock(self, project_id: ProjectId) -> Project:
        return await self._only(_LOCK, project_id)

    async def save(self, project: Project) -> Project:
        with refusing(duplicate={"owner_id": ProjectNameTaken()}, missing=UserNotFound()):
            return await _VERSIONS.save(self._connection, project, _values(project))

    async def delete(self, project: Project) -> None:
        self._changed(subject("project", project.id))
        await _VERSIONS.delete(self._connection, project)

    async def list_by_owner(
        self, owner_id: UserId | None, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        values: dict[str, Any] = {} if owner_id is None else {"owner_id": owner_id}
        return await self._page(_LISTINGS[owner_id is not None, bool(only)], query, only, values)

    async def list_by_member(
        self, user_id: UserId, query: Query, *, only: Set[ProjectId] = frozenset()
    ) -> Page[Project]:
        return await self._page(_OF_MEMBER_LISTINGS[bool(only)], query, only, {"of_user": user_id})

    async def _page(
        self, listing: Listing, query: Query, only: Set[ProjectId], values: dict[str, Any]
    ) -> Page[Project]:
        given = {**values, "only": sorted(only)} if only else values
        return await listing.page(self._connection, query, _project, **given)

    async def _only(self, statement: Statement, project_id: ProjectId) -> Project:
        if (row := await self._connection.fetch_one(statement, id=project_id)) is None:
            raise ProjectNotFound
        return _project(row)
