"""A throw-away Hexkey: its own data directory, its own database, an administrator and as many members as asked for."""

import asyncio
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from app.composition import Ports, Services, assemble, connect
from app.settings import load
from benchmarks.servers import HEXKEY
from domain.model.actors import NOWHERE, Actor, ActorKind, system
from domain.model.ids import UserId
from domain.model.passwords import Password
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.users import EmailAddress, User, Username
from domain.services.keys import KeyRequest

SERVER = os.environ.get("HEXKEY_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
PASSWORD = "correct horse battery staple"
EMAIL = "admin@example.org"
GENEROUS = "999999999/day"
"""The limiter works for every request, and refuses none."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """What the load presents: one key that may do everything, an access token, a cookie, a key of each member, a
    project.
    """

    environ: Mapping[str, str]
    directory: Path
    key: str
    token: str
    cookie: str
    members: tuple[str, ...]
    project: str


@contextmanager
def sqlite_service(members: int = 0) -> Iterator[Tenants]:
    with tempfile.TemporaryDirectory(prefix="hexkey-bench-") as directory:
        yield _populated({"HEXKEY_DATA_DIR": directory}, Path(directory), members)


@contextmanager
def postgres_service(members: int = 0) -> Iterator[Tenants]:
    """Raises OSError where there is no server."""
    name = f"hexkey_bench_{secrets.token_hex(4)}"
    asyncio.run(_on_server(f"CREATE DATABASE {name}"))
    try:
        with tempfile.TemporaryDirectory(prefix="hexkey-bench-") as directory:
            url = urlsplit(SERVER)._replace(path=f"/{name}").geturl()
            environ = {"HEXKEY_DATA_DIR": directory, "HEXKEY_DATABASE_URL": url}
            yield _populated(environ, Path(directory), members)
    finally:
        asyncio.run(_on_server(f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_server(statement: str) -> None:
    connection = await asyncpg.connect(SERVER, timeout=3)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _populated(environ: dict[str, str], directory: Path, members: int) -> Tenants:
    environ |= {
        "HEXKEY_PUBLIC_URL": "http://127.0.0.1:8000",  # the issuer of the token, whatever the port will be
        "HEXKEY_RATE_LIMIT_DEFAULT": GENEROUS,
    }
    subprocess.run([HEXKEY, "database", "upgrade", "--no-prompt"], env={**os.environ, **environ}, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return asyncio.run(_peopled(environ, directory, members))


async def _peopled(environ: dict[str, str], directory: Path, members: int) -> Tenants:
    ports = connect(load(environ))
    # one token for the whole run, longer than an operator may ask for
    services = assemble(replace(ports, rules=replace(ports.rules, access_token=timedelta(hours=24))))
    try:
        admin = await services.users.create(
            system(CORE_PERMISSIONS), email=EMAIL, password=PASSWORD, role_ids=(ADMIN_ID,)
        )
        actor = Actor(kind=ActorKind.USER, permissions=CORE_PERMISSIONS, user_id=admin.id)
        for number in range(100):
            project = await services.projects.create(actor, name=f"Project {number}")
        signed_in = await services.sign_in.for_tokens(EMAIL, PASSWORD, NOWHERE)
        browser = await services.sign_in.for_cookie(EMAIL, PASSWORD, NOWHERE)
        return Tenants(
            environ,
            directory,
            await _key(services, actor, "read", "writer", "api_keys:verify"),
            signed_in.tokens.access_token,
            browser.cookie,
            tuple([await _member(ports, services, number) for number in range(members)]),
            str(project.id),
        )
    finally:
        await services.close()


def crowd(tenants: Tenants, count: int, *, is_active: bool = True) -> list[User]:
    """*count* more people with a user name and `PASSWORD`, hashed once for all of them."""
    return asyncio.run(_crowded(tenants, count, is_active))


async def _crowded(tenants: Tenants, count: int, is_active: bool) -> list[User]:
    ports = connect(load(tenants.environ))
    password_hash = await ports.passwords.hash(Password(PASSWORD))
    people = [_person(ports, secrets.token_hex(8), password_hash, is_active) for _ in range(count)]
    try:
        async with ports.uow() as work:
            for user in people:
                await work.users.add(user)
                await work.roles.grant(MEMBER_ID, user.id)
    finally:
        await ports.close()
    return people


def _person(ports: Ports, name: str, password_hash: str | None, is_active: bool = True) -> User:
    now = ports.clock.now()
    return User(
        id=UserId(ports.ids.new()),
        email=EmailAddress(f"{name}@example.org"),
        username=Username(name),
        password_hash=password_hash,
        is_active=is_active,
        created_at=now,
        updated_at=now,
    )


async def _member(ports: Ports, services: Services, number: int) -> str:
    """One who never signs in, so that no password need be hashed."""
    user = _person(ports, f"member-{number}", None)
    async with ports.uow() as work:
        await work.users.add(user)
        await work.roles.grant(MEMBER_ID, user.id)
    actor = Actor(kind=ActorKind.USER, permissions=CORE_PERMISSIONS, user_id=user.id)
    return await _key(services, actor, "writer")


async def _key(services: Services, actor: Actor, *scopes: str) -> str:
    request = KeyRequest(name="bench", scopes=scopes, limits=[GENEROUS], metadata={"plan": "pro"})
    return (await services.keys.create(actor, request)).secret
