"""Many at once, one winner: what a unique name, a version and a one-time token are for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from domain.errors import DomainError
from domain.model.roles import MEMBER, MEMBER_ID
from domain.model.users import EmailAddress
from tests.support.databases import Storage
from tests.support.examples import a_project, a_refresh_token, a_session, a_user
from tests.support.fakes import START

CALLERS = 10


async def outcomes(attempt: Callable[[int], Awaitable[object]]) -> Counter[str]:
    """How many callers were told what; whoever is not refused is `won`."""

    async def one(caller: int) -> str:
        try:
            await attempt(caller)
        except DomainError as refusal:
            return refusal.code
        return "won"

    return Counter(await asyncio.gather(*map(one, range(CALLERS))))


async def test_one_gets_the_name(storage: Storage, owner) -> None:
    async def take(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.add(a_project(owner, name="wanted"), at_most=100)

    assert await outcomes(take) == {"won": 1, "project_name_taken": CALLERS - 1}


async def test_one_gets_the_address(storage: Storage) -> None:
    async def register(caller: int) -> None:
        async with storage.uow() as work:
            await work.users.add(a_user(email=EmailAddress("wanted@example.org")))

    assert await outcomes(register) == {"won": 1, "email_taken": CALLERS - 1}


async def test_one_changes_the_version_that_all_have_read(storage: Storage, project) -> None:
    async def rename(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.save(replace(project, name=f"name {caller}"))

    assert await outcomes(rename) == {"won": 1, "edit_conflict": CALLERS - 1}
    async with storage.uow.reading() as work:
        assert (await work.projects.get(project.id)).version == 2


async def test_nobody_overwrites_what_they_did_not_read(storage: Storage, project) -> None:
    async def append(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.projects.get(project.id)
            await asyncio.sleep(0)
            await work.projects.save(replace(seen, description=f"{seen.description or ''}{caller},"))

    told = await outcomes(append)

    async with storage.uow.reading() as work:
        kept = await work.projects.get(project.id)
    assert kept.version == 1 + told["won"] > 1
    assert kept.description.count(",") == told["won"]
    assert set(told) <= {"won", "edit_conflict"}


async def test_a_project_is_deleted_once(storage: Storage, project) -> None:
    async def delete(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.delete(project)

    assert await outcomes(delete) == {"won": 1, "not_found": CALLERS - 1}


async def test_a_refresh_token_has_one_successor(storage: Storage, owner) -> None:
    session = a_session(owner)
    token = a_refresh_token(session)
    await storage.given(session, token)

    async def refresh(caller: int) -> bool:
        following = a_refresh_token(session)
        spent = replace(token, spent_at=START, successor_digest=following.digest)
        async with storage.uow() as work:
            if await work.sessions.spend_refresh_token(spent):
                await work.sessions.add_refresh_token(following)
                return True
            return False

    assert Counter(await asyncio.gather(*map(refresh, range(CALLERS)))) == {True: 1, False: CALLERS - 1}
    async with storage.uow.reading() as work:
        kept = await work.sessions.find_refresh_token(token.digest)
        assert await work.sessions.find_refresh_token(kept.successor_digest) is not None


async def test_a_role_is_granted_to_one_user_by_many(storage: Storage, owner) -> None:
    async def grant(caller: int) -> None:
        async with storage.uow() as work:
            await work.roles.grant(MEMBER_ID, owner.id)

    assert await outcomes(grant) == {"won": CALLERS}
    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)


async def test_writers_of_different_rows_all_win(storage: Storage, owner) -> None:
    async def create(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.add(a_project(owner), at_most=100)

    assert await outcomes(create) == {"won": CALLERS}
