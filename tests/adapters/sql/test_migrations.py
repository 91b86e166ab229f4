"""What a database of an earlier version holds, the next one keeps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from advanced_alchemy.alembic.commands import AlembicCommands
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, String, Table, insert

from adapters.sql import SqlAccessDirectory, SqlUnitOfWorkFactory, migration_config, open_database
from adapters.sql.base import Document, Id, Instant
from adapters.sql.statements import Statement
from domain.model.ids import KeyId, SessionId
from domain.model.permissions import MEMBER_PERMISSIONS
from domain.model.queries import Operator, Page, Query
from domain.model.roles import MEMBER, MEMBER_ID
from domain.model.scopes import Catalogue
from domain.model.sessions import SessionKind
from domain.model.users import USER_FIELDS
from tests.support.databases import create_postgres, drop_postgres
from tests.support.examples import a_project, a_refresh_token, a_session, a_user, an_event
from tests.support.fakes import START, CountingIds, ManualClock

Target = Path | str
IDS = CountingIds(start=0x2000)
_FIRST = MetaData()
"""Of the tables of 0001 the columns that it had."""


def table(name: str, /, **columns: Any) -> Statement:
    return Statement(insert(Table(name, _FIRST, *(Column(column, kind) for column, kind in columns.items()))))


_INSTANTS = {"created_at": Instant, "updated_at": Instant}
ADD_USER = table(
    "users",
    id=Id, email=String, username=String, name=String, password_hash=String, is_active=Boolean,
    email_verified_at=Instant, **_INSTANTS, version=Integer,
)  # fmt: skip
GRANT = table("user_roles", user_id=Id, role_id=Id)
ADD_SESSION = table(
    "sessions",
    id=Id, user_id=Id, kind=String, created_at=Instant, last_seen_at=Instant, idle_ends_at=Instant, ends_at=Instant,
    ended_at=Instant, address=String, user_agent=String, version=Integer,
)  # fmt: skip
ADD_TOKEN = table(
    "refresh_tokens",
    digest=LargeBinary, session_id=Id, created_at=Instant, spent_at=Instant, spent_address=String,
    spent_user_agent=String, successor_digest=LargeBinary, sealed_successor=LargeBinary,
)  # fmt: skip
ADD_EVENT = table(
    "events",
    id=Id, at=Instant, action=String, subject=String, actor_kind=String, user_id=Id, session_id=Id, key_id=Id,
    address=String, request_id=String, changes=Document,
)  # fmt: skip
ADD_PROJECT = table("projects", id=Id, owner_id=Id, name=String, description=String, **_INSTANTS, version=Integer)

USER = a_user(email_verified_at=START, name="Ada")
SESSION = a_session(USER, address="192.0.2.1")
TOKEN = a_refresh_token(SESSION, spent_at=START, sealed_successor=b"sealed", successor_digest=b"next")
PROJECT = a_project(USER, description="What the robots call.")
EVENT = an_event(user_id=USER.id, session_id=SessionId(IDS.new()), key_id=KeyId(IDS.new()), changes={"b": 1, "a": [2]})


@pytest.fixture(params=["sqlite", "postgres"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    """A database without a single table."""
    if request.param == "sqlite":
        yield tmp_path / "hexkey.db"
        return
    address = await create_postgres()
    yield address
    await drop_postgres(address)


async def migrate(target: Target, *commands: str) -> None:
    """Each of *commands* is such as ``upgrade 0001``; in a thread, for on PostgreSQL they run a loop of their own."""
    for command in commands:
        name, *words = command.split()
        await asyncio.to_thread(getattr(AlembicCommands(migration_config(target)), name), *words)


async def fill(target: Target) -> None:
    """As 0001 would."""
    rows = {ADD_USER: USER, ADD_SESSION: SESSION, ADD_TOKEN: TOKEN, ADD_PROJECT: PROJECT, ADD_EVENT: EVENT}
    database = open_database(target)
    async with database.writing() as connection:
        for statement, value in rows.items():
            await connection.execute(
                statement, **{column.name: getattr(value, column.name) for column in statement.table.columns}
            )
            if value is USER:
                await connection.execute(GRANT, user_id=USER.id, role_id=MEMBER_ID)
    await database.close()


async def require_all(target: Target) -> None:
    database = open_database(target)
    async with SqlUnitOfWorkFactory(database).reading() as work:
        assert await work.users.get(USER.id) == USER
        assert await work.roles.list_by_user(USER.id) == (MEMBER,)
        assert await work.sessions.get(SESSION.id) == SESSION
        assert await work.sessions.find_refresh_token(TOKEN.digest) == TOKEN
        assert await work.projects.list_by_member(USER.id, Query()) == Page((PROJECT,), 1)
        assert await work.members.list_by_user(USER.id, 10) == (PROJECT.founder(),)
        assert await work.events.list(10) == (EVENT,)
        assert await work.events.list(10, user_id=USER.id, subject=EVENT.subject) == (EVENT,)
    grant = await SqlAccessDirectory(database, Catalogue(), ManualClock()).find_session(SESSION.id)
    assert grant is not None
    assert grant.permissions == MEMBER_PERMISSIONS
    await database.close()


async def test_what_the_first_version_kept_is_still_there(target: Target) -> None:
    await migrate(target, "upgrade 0001")
    await fill(target)
    await migrate(target, "upgrade head")

    await require_all(target)


async def test_the_first_version_goes_on_writing_beside_the_next(target: Target) -> None:
    await migrate(target, "upgrade head")
    await fill(target)

    await require_all(target)


async def test_back_and_forth_loses_nothing_that_the_first_version_had(target: Target) -> None:
    await migrate(target, "upgrade head")
    await fill(target)
    await migrate(target, "downgrade 0001", "upgrade head", "downgrade base", "upgrade 0001")
    await fill(target)
    await migrate(target, "upgrade head", "downgrade 0001", "upgrade head")

    await require_all(target)


async def test_a_session_of_somebody_who_acts_as_another_does_not_become_the_others_own(target: Target) -> None:
    await migrate(target, "upgrade head")
    await fill(target)
    database = open_database(target)
    acting = a_session(USER, kind=SessionKind.IMPERSONATION, real_user_id=USER.id)
    async with SqlUnitOfWorkFactory(database)() as work:
        await work.sessions.add(acting)
    await migrate(target, "downgrade 0001", "upgrade head")

    assert await SqlAccessDirectory(database, Catalogue(), ManualClock()).find_session(acting.id) is None
    await database.close()
    await require_all(target)


async def test_what_was_there_is_found_by_a_part_of_it(target: Target) -> None:
    await migrate(target, "upgrade 0001")
    await fill(target)
    await migrate(target, "upgrade head")
    database = open_database(target)

    async with SqlUnitOfWorkFactory(database).reading() as work:
        for name, part in (("name", "AD"), ("email", USER.email[:9].upper())):
            query = Query(filters=(USER_FIELDS[name].filter(Operator.CONTAINS, part, name),))
            assert (await work.users.list(query)).items == (USER,)
    await database.close()


async def test_rows_and_migrations_agree(target: Target) -> None:
    await migrate(target, "upgrade head", "check")
