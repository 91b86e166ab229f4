"""The same on PostgreSQL, tuned: asyncpg, no transaction around a read, a pool that is never waited for or reset."""

import os
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import create_engine, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel_tables import Project, ProjectPage, ProjectPublic, fill

URL = os.environ["BENCH_PEER_URL"]
engine = create_async_engine(
    URL.replace("+psycopg", "+asyncpg"),
    pool_size=64,
    pool_reset_on_return=None,
    isolation_level="AUTOCOMMIT",
)


@asynccontextmanager
async def lifespan(_: FastAPI):
    fill(create_engine(URL))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/projects/", response_model=ProjectPage)
async def read_projects(offset: int = 0, limit: Annotated[int, Query(le=100)] = 100):
    async with AsyncSession(engine) as session:
        statement = select(Project).order_by(Project.created_at).offset(offset).limit(limit)
        projects = (await session.exec(statement)).all()
        return {"items": projects, "total": (await session.exec(select(func.count()).select_from(Project))).one()}


@app.get("/projects/{project_id}", response_model=ProjectPublic)
async def read_project(project_id: UUID):
    async with AsyncSession(engine) as session:
        if project := await session.get(Project, project_id):
            return project
    raise HTTPException(status_code=404, detail="Project not found")
