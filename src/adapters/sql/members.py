from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, bindparam, column, delete, func, select, table, update
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Id, Instant, Row, table_of
from adapters.sql.queries import Listing
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.users import USERS
from domain.errors import EditConflict, MemberNotFound, NotFound, QuotaReached
from domain.model.ids import ProjectId, UserId
from domain.model.leases import subject
from domain.model.members import Member, MemberCard, ProjectRole
from domain.model.queries import Page, Query


class MemberRow(Row):
    """Who works on which project: projects are found by it, and users."""

    __tablename__ = "project_members"

    project_id: Mapped[UUID] = mapped_column(Id, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    version: Mapped[int]
    project_created_at: Mapped[datetime]
    """As the project has it, where it never changes: the newest projects of a user are read without all the others."""

    __table_args__ = (
        Index(None, "user_id", "project_id"),
        Index("ix_project_members_newest", "user_id", "project_created_at", "project_id"),
    )


MEMBERS = table_of(MemberRow)
_OF_PROJECT = MEMBERS.c.project_id == bindparam("of_project")
_OF_USER = MEMBERS.c.user_id == bindparam("of_user")
_SEEN = (_OF_PROJECT, _OF_USER, MEMBERS.c.version == bindparam("seen_version"))
PROJECTS_OF_USER = select(MEMBERS.c.project_id).where(_OF_USER)
_PROJECTS = table("projects", column("id", Id), column("created_at", Instant))
_PROJECT_CREATED_AT = func.coalesce(
    select(_PROJECTS.c.created_at).where(_PROJECTS.c.id == bindparam("of_project")).scalar_subquery(),
    bindparam("created_at", type_=Instant),
)
"""Where there is no project, the reference to it is what is refused."""

_FOUND = Statement(insert(MEMBERS).on_conflict_do_nothing())
_ADD = insert_below(
    MEMBERS,
    select(func.count(MEMBERS.c.user_id)).where(_OF_PROJECT),
    project_created_at=_PROJECT_CREATED_AT,
)
_FIND = Statement(select(MEMBERS).where(_OF_PROJECT, _OF_USER))
_SAVE = Statement(update(MEMBERS).where(*_SEEN).values(role=bindparam("role"), version=bindparam("version")))
_DELETE = Statement(delete(MEMBERS).where(*_SEEN))
_HEIR = Statement(
    select(MEMBERS)
    .where(_OF_PROJECT, MEMBERS.c.role == bindparam("role"), MEMBERS.c.user_id != bindparam("of_user"))
    .order_by(MEMBERS.c.created_at, MEMBERS.c.user_id)
    .limit(1)
)
_CARDS = select(MEMBERS, USERS.c.username, USERS.c.name, USERS.c.email).join(USERS).where(_OF_PROJECT)
_LISTING = Listing(
    _CARDS,
    select(func.count(MEMBERS.c.user_id)).select_from(MEMBERS.join(USERS)).where(_OF_PROJECT),
    columns={
        "user_id": MEMBERS.c.user_id,
        "role": MEMBERS.c.role,
        "username": USERS.c.username,
        "name": USERS.c.name,
        "created_at": MEMBERS.c.created_at,
    },
    tie=MEMBERS.c.user_id,
)
_OF_USER_PAGE = select(MEMBERS).where(_OF_USER).order_by(MEMBERS.c.project_id).limit(bindparam("limit", type_=Integer))
_BY_USER = Statement(_OF_USER_PAGE)
_BY_USER_AFTER = Statement(_OF_USER_PAGE.where(MEMBERS.c.project_id > bindparam("after")))


def _values(member: Member) -> dict[str, Any]:
    return {
        "project_id": member.project_id,
        "user_id": member.user_id,
        "role": member.role.value,
        "created_at": member.created_at,
        "version": member.version,
    }


def _member(row: tuple[Any, ...]) -> Member:
    project_id, user_id, role, created_at, version, _ = row
    return Member(
        project_id=project_id, user_id=user_id, role=ProjectRole(role), created_at=created_at, version=version
    )


def _card(row: tuple[Any, ...]) -> MemberCard:
    *member, username, name, email = row
    return MemberCard(member=_member(tuple(member)), username=username, name=name, email=email)


async def add_founder(connection: Connection, member: Member) -> None:
    """The first member of a new project: nobody has read anything about it. While two versions of the service run side
    by side, a trigger has been there before us.
    """
    await connection.execute(_FOUND, project_created_at=member.created_at, **_values(member))


class SqlMemberRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, member: Member, *, at_most: int) -> None:
        self._changed(subject("user", member.user_id))
        with refusing(duplicate={"project_id": EditConflict()}, missing=NotFound()):
            added = await self._connection.execute(
                _ADD, at_most=at_most, of_project=member.project_id, **_values(member)
            )
        if not added:
            self._connection.refuse(QuotaReached(f"a project has at most {at_most} members"))

    async def find(self, project_id: ProjectId, user_id: UserId) -> Member | None:
        row = await self._connection.fetch_one(_FIND, of_project=project_id, of_user=user_id)
        return None if row is None else _member(row)

    async def save(self, member: Member) -> Member:
        following = replace(member, version=member.version + 1)
        await self._changing(_SAVE, member, role=member.role.value, version=following.version)
        return following

    async def delete(self, member: Member) -> None:
        await self._changing(_DELETE, member)

    async def find_heir(self, project_id: ProjectId, user_id: UserId) -> Member | None:
        row = await self._connection.fetch_one(
            _HEIR, of_project=project_id, of_user=user_id, role=ProjectRole.OWNER.value
        )
        return None if row is None else _member(row)

    async def list_by_project(self, project_id: ProjectId, query: Query) -> Page[MemberCard]:
        return await _LISTING.page(self._connection, query, _card, of_project=project_id)

    async def list_by_user(self, user_id: UserId, limit: int, *, after: ProjectId | None = None) -> tuple[Member, ...]:
        if after is None:
            rows = await self._connection.fetch(_BY_USER, of_user=user_id, limit=limit)
        else:
            rows = await self._connection.fetch(_BY_USER_AFTER, of_user=user_id, limit=limit, after=after)
        return tuple(map(_member, rows))

    async def _changing(self, statement: Statement, member: Member, **values: Any) -> None:
        self._changed(subject("user", member.user_id))
        changed = await self._connection.execute(
            statement, of_project=member.project_id, of_user=member.user_id, seen_version=member.version, **values
        )
        if not changed:
            present = await self.find(member.project_id, member.user_id)
            self._connection.refuse(MemberNotFound() if present is None else EditConflict())
