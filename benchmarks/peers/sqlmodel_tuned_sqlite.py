"""The same on SQLite, tuned: no thread between loop and database, no transaction around a read, WAL."""

import os
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query
from sqlalchemy import StaticPool, event
from sqlmodel import Session, create_engine, func, select
from sqlmodel_tables import Project, ProjectPage, ProjectPublic, fill

engine = create_engine(
    os.environ["BENCH_PEER_URL"],
    connect_args={"check_same_thread": False},
    poolclass=StaticPool,
    pool_reset_on_return=None,
    isolation_level="AUTOCOMMIT",
)


@event.listens_for(engine, "connect")
def _wal(raw, _):
    raw.execute("PRAGMA journal_mode=WAL")


@asynccontextmanager
async def lifespan(_: FastAPI):
    fill(engine)
    yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/projects/", response_model=ProjectPage)
async def read_projects(offset: int = 0, limit: Annotated[int, Query(le=100)] = 100):
    with Session(engine) as session:
        projects = session.exec(select(Project).order_by(Project.created_at).offset(offset).limit(limit)).all()
        return {"items": projects, "total": session.exec(select(func.count()).select_from(Project)).one()}


@app.get("/projects/{project_id}", response_model=ProjectPublic)
async def read_project(project_id: UUID):
    with Session(engine) as session:
        if project := session.get(Project, project_id):
            return project
    raise HTTPException(status_code=404, detail="Project not found")
