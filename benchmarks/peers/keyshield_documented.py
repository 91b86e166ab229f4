"""keyshield as its README mounts it on FastAPI and SQLAlchemy: Argon2 for each request, and its delay.

``python keyshield_documented.py`` makes the table and a key, and prints it.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from keyshield import ApiKey, ApiKeyService
from keyshield.api import create_depends_api_key
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import SqlAlchemyApiKeyRepository
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

hasher = Argon2ApiKeyHasher(pepper="not the default one")
async_engine = create_async_engine(os.environ["BENCH_PEER_URL"])
sessions = async_sessionmaker(async_engine, class_=AsyncSession, expire_on_commit=False)
app = FastAPI()


async def inject_async_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session, session.begin():
        yield session


async def inject_svc_api_keys(async_session: Annotated[AsyncSession, Depends(inject_async_session)]) -> ApiKeyService:
    repo = SqlAlchemyApiKeyRepository(async_session)
    await repo.ensure_table(async_engine=async_engine)
    return ApiKeyService(repo=repo, hasher=hasher)


security = create_depends_api_key(inject_svc_api_keys)


@app.get("/protected/")
async def read_protected_data(api_key: Annotated[ApiKey, Depends(security)]):
    return {"id": api_key.id_, "name": api_key.name, "isActive": api_key.is_active}


async def prepare() -> str:
    async with sessions() as session, session.begin():
        service = await inject_svc_api_keys(session)
        _, secret = await service.create(name="bench")
    await async_engine.dispose()
    return secret


if __name__ == "__main__":
    print(asyncio.run(prepare()))
