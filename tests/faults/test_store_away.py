"""What the service stands on goes away: it says so, and when to come back; it neither fails nor lets anybody in."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from asyncpg import InvalidCatalogNameError

from adapters.sql.floor import FLOOR
from adapters.sql.migrations import VERSION_TABLE
from app.composition import connect
from app.settings import load
from domain.model.ids import KeyId
from domain.model.leases import LeaseTerms
from tests.support.databases import create_postgres, drop_postgres
from tests.support.process import OFF, Installation, free_port
from tests.support.service import PASSWORD, Person, Service, refusal


def service_over(folder: Path, url: str) -> Service:
    return Service(connect(load({"HEXKEY_DATA_DIR": str(folder), "HEXKEY_DATABASE_URL": url, **OFF})))


async def everything(service: Service, ada: Person | None = None) -> AsyncIterator[httpx.Response]:
    """A call of every kind that needs the store."""
    yield await service.anyone.post("/v1/auth/register", email="new@example.org", password=PASSWORD)
    yield await service.anyone.token(grant_type="password", username="ada@example.org", password=PASSWORD)
    if ada is not None:
        yield await ada.get("/v1/projects")
        yield await ada.post("/v1/projects", name="Warehouse")
        yield await ada.get("/v1/whoami")
        yield await service.anyone.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])


async def require_unavailable(service: Service, ada: Person | None = None) -> None:
    async for answer in everything(service, ada):
        assert refusal(answer) == (503, "unavailable"), answer.text
        assert int(answer.headers["retry-after"]) >= 1
    ready = await service.anyone.get("/health/ready")
    assert refusal(ready) == (503, "unavailable")
    assert ready.json()["checks"] == {"database": "failed", "schema": "failed"}
    assert (await service.anyone.get("/health/live")).status_code == 200


async def test_a_server_that_does_not_answer_is_503(tmp_path: Path) -> None:
    service = service_over(tmp_path, f"postgresql://postgres@127.0.0.1:{free_port()}/hexkey")
    await require_unavailable(service)
    await service.services.close()


@pytest.fixture
async def database() -> AsyncIterator[str]:
    address = await create_postgres()
    yield address
    with suppress(InvalidCatalogNameError):
        await drop_postgres(address)


async def test_a_database_that_goes_away_under_us_is_503(tmp_path: Path, database: str) -> None:
    await asyncio.to_thread(Installation(tmp_path, {"HEXKEY_DATABASE_URL": database}).migrate)
    service = service_over(tmp_path, database)
    ada = await service.user("ada@example.org")
    assert (await ada.post("/v1/projects", name="Warehouse")).status_code == 201
    await drop_postgres(database)
    await asyncio.sleep(LeaseTerms().trust)
    await require_unavailable(service, ada)
    await service.services.close()


async def test_a_folder_that_cannot_be_written_is_503(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    service = service_over(tmp_path, f"sqlite:///{tmp_path / 'file' / 'hexkey.db'}")
    await require_unavailable(service)
    await service.services.close()


async def test_nobody_gets_in_while_nobody_can_be_asked(tmp_path: Path) -> None:
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/hexkey"
    service = service_over(tmp_path, url)
    key = service.ports.key_secrets.mint(KeyId(service.ports.ids.new())).plain
    known = service.anyone.saying(x_api_key=key)
    assert refusal(await known.get("/v1/whoami")) == (503, "unavailable")
    assert refusal(await service.anyone.get("/v1/whoami")) == (401, "unauthenticated")
    assert refusal(await service.anyone.saying(x_api_key="nonsense").get("/v1/whoami")) == (401, "invalid_credential")
    await service.services.close()


async def test_a_schema_that_somebody_else_has_migrated_is_told_from_a_database_that_is_away(tmp_path: Path) -> None:
    Installation(tmp_path).migrate()
    service = Service(connect(load({"HEXKEY_DATA_DIR": str(tmp_path), **OFF})))
    assert (await service.anyone.get("/health/ready")).json() == {"status": "ready"}
    with closing(sqlite3.connect(tmp_path / "hexkey.db")) as file, file:
        file.execute(f"UPDATE {VERSION_TABLE} SET version_num = 'of the next version'")
        file.execute(f"UPDATE {FLOOR.name} SET head = 'of the next version'")
    ready = await service.anyone.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "ok", "schema": "failed"})
    await service.services.close()
