"""The projects of FastAPI and SQLModel: the fields of ours, in one table, a hundred of them."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlmodel import Field, Session, SQLModel, select

COUNT = 100


class ProjectBase(SQLModel):
    name: str = Field(index=True, unique=True, max_length=128)
    description: str | None = Field(default=None, max_length=1024)
    owner_id: UUID = Field(default_factory=uuid4, index=True)
    archived_at: datetime | None = None


class Project(ProjectBase, table=True):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class ProjectPublic(ProjectBase):
    id: UUID
    created_at: datetime
    updated_at: datetime


class ProjectPage(SQLModel):
    items: list[ProjectPublic]
    total: int


def fill(engine: Engine) -> None:
    """Tables and projects, unless they are there."""
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        if session.exec(select(Project)).first() is None:
            session.add_all(Project(name=f"Project {number}") for number in range(COUNT))
            session.commit()
