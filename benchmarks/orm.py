"""What G9 compares with: a Litestar route that creates through an ORM session per request, as tutorials show it.

It writes what our own create writes, a project and an event, and neither asks who is calling nor counts anything.
"""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Litestar, get, post
from sqlalchemy import JSON, DateTime, String, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON}


class Project(Base):
    __tablename__ = "orm_projects"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    description: Mapped[str | None] = mapped_column(String(1024), default=None)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


class Event(Base):
    __tablename__ = "orm_events"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    action: Mapped[str] = mapped_column(String(64))
    changes: Mapped[dict[str, Any]]


class NewProject(msgspec.Struct):
    name: str
    description: str | None = None


class ProjectView(msgspec.Struct):
    id: UUID
    name: str
    description: str | None
    created_at: datetime


engine = create_async_engine(os.environ["BENCH_ORM_URL"])
sessions = async_sessionmaker(engine, expire_on_commit=False)


def _durable(raw: Any, _: object) -> None:
    """As safe as ours: WAL, and on the disk before the answer."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        raw.execute(f"PRAGMA {pragma}")


if engine.dialect.name == "sqlite":
    event.listen(engine.sync_engine, "connect", _durable)


@post("/")
async def create_project(data: NewProject) -> ProjectView:
    async with sessions() as session, session.begin():
        project = Project(name=data.name, description=data.description)
        session.add(project)
        session.add(Event(action="project.created", changes={"name": data.name}))
    return ProjectView(project.id, project.name, project.description, project.created_at)


@get("/")
async def ready() -> None:
    """Started, so the tables are there."""


async def make_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


def create() -> Litestar:
    return Litestar(
        [create_project, ready],
        on_startup=[make_tables],
        on_shutdown=[engine.dispose],
        openapi_config=None,
        logging_config=None,
    )
