"""keyshield at its best with a database under it: its cache, no delay, one connection in WAL that never waits."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from keyshield import ApiKey
from keyshield.api import create_depends_api_key
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import SqlAlchemyApiKeyRepository
from keyshield.services.cached import CachedApiKeyService
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

hasher = Argon2ApiKeyHasher(pepper="not the default one")
async_engine = create_async_engine(os.environ["BENCH_PEER_URL"], pool_size=1, max_overflow=0)
sessions = async_sessionmaker(async_engine, class_=AsyncSession, expire_on_commit=False)
app = FastAPI(openapi_url=None)


@event.listens_for(async_engine.sync_engine, "connect")
def _quick(raw, _):
    for pragma in ("journal_mode=WAL", "synchronous=OFF"):
        raw.execute(f"PRAGMA {pragma}")


async def inject_async_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session, session.begin():
        yield session


async def inject_svc(async_session: Annotated[AsyncSession, Depends(inject_async_session)]) -> CachedApiKeyService:
    repo = SqlAlchemyApiKeyRepository(async_session)
    return CachedApiKeyService(repo=repo, hasher=hasher, min_delay=0, max_delay=0)


security = create_depends_api_key(inject_svc)


@app.get("/protected/")
async def read_protected_data(api_key: Annotated[ApiKey, Depends(security)]):
    return {"id": api_key.id_, "name": api_key.name, "isActive": api_key.is_active}
