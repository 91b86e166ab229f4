"""FastAPI and SQLModel as their tutorials wire them: a session per request, plain functions, the pool as it comes."""

import os
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlmodel import Session, create_engine, func, select
from sqlmodel_tables import Project, ProjectPage, ProjectPublic, fill

URL = os.environ["BENCH_PEER_URL"]
engine = create_engine(URL, connect_args={"check_same_thread": False} if URL.startswith("sqlite") else {})


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@asynccontextmanager
async def lifespan(_: FastAPI):
    fill(engine)
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/projects/", response_model=ProjectPage)
def read_projects(session: SessionDep, offset: int = 0, limit: Annotated[int, Query(le=100)] = 100):
    projects = session.exec(select(Project).order_by(Project.created_at).offset(offset).limit(limit)).all()
    total = session.exec(select(func.count()).select_from(Project)).one()
    return {"items": projects, "total": total}


@app.get("/projects/{project_id}", response_model=ProjectPublic)
def read_project(project_id: UUID, session: SessionDep):
    project = session.get(Project, project_id)
    if not project:
        raise HTTPException(status_code=404, detail="Project not found")
    return project
