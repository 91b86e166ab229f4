"""What every write has in common: its refusal may not be swallowed, and a reading unit makes none."""

from dataclasses import replace

import pytest

from domain.errors import EditConflict, NotFound, QuotaReached
from domain.model.roles import MEMBER_ID
from tests.support.databases import Storage
from tests.support.examples import a_key, a_project, a_refresh_token, a_session, a_user, an_event
from tests.support.fakes import START

REFUSALS = {
    "users.save": lambda work, owner: work.users.save(a_user()),
    "users.save of an old value": lambda work, owner: work.users.save(replace(owner, version=7)),
    "roles.grant": lambda work, owner: work.roles.grant(MEMBER_ID, a_user().id),
    "sessions.add": lambda work, owner: work.sessions.add(a_session(a_user())),
    "sessions.save": lambda work, owner: work.sessions.save(a_session(owner)),
    "sessions.add_refresh_token": lambda work, owner: work.sessions.add_refresh_token(
        a_refresh_token(a_session(owner))
    ),
    "keys.add": lambda work, owner: work.keys.add(a_key(a_user()), live_at_most=9, now=START),
    "keys.add over quota": lambda work, owner: work.keys.add(a_key(owner), live_at_most=0, now=START),
    "keys.save": lambda work, owner: work.keys.save(a_key(owner)),
    "projects.add": lambda work, owner: work.projects.add(a_project(a_user()), at_most=9),
    "projects.add over quota": lambda work, owner: work.projects.add(a_project(owner), at_most=0),
    "projects.save": lambda work, owner: work.projects.save(a_project(owner)),
    "projects.delete": lambda work, owner: work.projects.delete(a_project(owner)),
}


@pytest.mark.parametrize("write", REFUSALS.values(), ids=REFUSALS)
async def test_no_refusal_of_a_write_may_be_swallowed(storage: Storage, owner, write) -> None:
    async def swallow() -> None:
        async with storage.uow() as work:
            with pytest.raises((NotFound, EditConflict, QuotaReached)):
                await write(work, owner)

    with pytest.raises(RuntimeError, match="a refused write was swallowed"):
        await swallow()


WRITES = {
    "users.add": lambda work, owner: work.users.add(a_user()),
    "users.save": lambda work, owner: work.users.save(owner),
    "roles.grant": lambda work, owner: work.roles.grant(MEMBER_ID, owner.id),
    "sessions.add": lambda work, owner: work.sessions.add(a_session(owner)),
    "keys.add": lambda work, owner: work.keys.add(a_key(owner), live_at_most=9, now=START),
    "projects.add": lambda work, owner: work.projects.add(a_project(owner), at_most=9),
    "sessions.spend_refresh_token": lambda work, owner: work.sessions.spend_refresh_token(
        a_refresh_token(a_session(owner), spent_at=START)
    ),
    "events.add": lambda work, owner: work.events.add(an_event()),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_reading_unit_refuses_to_write(storage: Storage, owner, write) -> None:
    with pytest.raises(RuntimeError, match="writ"):
        async with storage.uow.reading() as work:
            await write(work, owner)
