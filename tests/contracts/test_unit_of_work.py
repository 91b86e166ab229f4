import asyncio
from dataclasses import replace

import pytest

from domain.errors import EmailTaken, UserNotFound
from domain.model.queries import Page, Query
from domain.model.roles import MEMBER_ID

from ..support.databases import Storage
from ..support.examples import (
    a_key,
    a_project,
    a_refresh_token,
    a_session,
    a_user,
    an_event,
)
from ..support.fakes import START


async def is_kept(storage: Storage, user) -> bool:
    async with storage.uow.reading() as work:
        return await work.users.find_by_email(user.email) == user


async def test_a_clean_exit_keeps_everything(storage: Storage) -> None:
    user = a_user()
    project = a_project(user)
    async with storage.uow() as work:
        await work.users.add(user)
        await work.projects.add(project, at_most=1)

    assert await is_kept(storage, user)
    async with storage.uow.reading() as work:
        assert await work.projects.get(project.id) == project


async def test_it_is_kept_before_the_block_is_left(storage: Storage) -> None:
    user = a_user()

    async def answer() -> bool:
        async with storage.uow() as work:
            await work.users.add(user)
        return await is_kept(storage, user)

    assert await answer()


async def test_an_exception_keeps_nothing(storage: Storage) -> None:
    user = a_user()

    async def fail() -> None:
        async with storage.uow() as work:
            await work.users.add(user)
            await work.roles.grant(MEMBER_ID, user.id)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert not await is_kept(storage, user)
    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(user.id) == ()
        with pytest.raises(UserNotFound):
            await work.users.get(user.id)


async def test_a_refused_write_takes_the_earlier_ones_with_it(storage: Storage, owner) -> None:
    user = a_user()
    with pytest.raises(EmailTaken):
        await storage.given(user, a_user(email=owner.email))

    assert not await is_kept(storage, user)


async def test_a_swallowed_refusal_is_an_error_and_keeps_nothing(storage: Storage, owner) -> None:
    user = a_user()

    async def swallow() -> None:
        async with storage.uow() as work:
            await work.users.add(user)
            with pytest.raises(EmailTaken):
                await work.users.add(a_user(email=owner.email))

    with pytest.raises(RuntimeError, match="a refused write was swallowed"):
        await swallow()

    assert not await is_kept(storage, user)


async def test_what_a_read_refuses_may_be_swallowed(storage: Storage) -> None:
    user = a_user()
    async with storage.uow() as work:
        with pytest.raises(UserNotFound):
            await work.users.get(user.id)
        await work.users.add(user)

    assert await is_kept(storage, user)


async def test_it_reads_its_own_writes(storage: Storage, owner) -> None:
    project, key, session, event = a_project(owner), a_key(owner), a_session(owner), an_event()
    token = a_refresh_token(session)
    async with storage.uow() as work:
        await work.projects.add(project, at_most=1)
        await work.keys.add(key, live_at_most=1, now=START)
        await work.sessions.add(session)
        await work.sessions.add_refresh_token(token)
        await work.events.add(event)
        assert await work.projects.list_by_owner(owner.id, Query()) == Page((project,), 1)
        assert await work.keys.list_by_owner(owner.id, Query()) == Page((key,), 1)
        assert await work.sessions.find_refresh_token(token.digest) == token
        assert await work.events.list(1) == (event,)
        renamed = await work.projects.save(replace(project, name="renamed"))
        assert await work.projects.get(project.id) == renamed
        await work.projects.delete(renamed)
        assert await work.projects.list_by_owner(None, Query()) == Page((), 0)


async def test_it_reads_its_own_writes_beside_what_was_there(storage: Storage, owner, project) -> None:
    other = a_project(owner)
    async with storage.uow() as work:
        await work.projects.add(other, at_most=2)
        assert await work.projects.list_by_owner(owner.id, Query()) == Page((other, project), 2)
        renamed = await work.projects.save(replace(project, name="renamed"))
        assert await work.projects.list_by_owner(None, Query()) == Page((other, renamed), 2)


async def test_reading_waits_for_no_writer_and_sees_only_what_is_committed(storage: Storage) -> None:
    user = a_user()
    written, seen = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with storage.uow() as work:
            await work.users.add(user)
            written.set()
            await seen.wait()

    async with asyncio.timeout(10):
        writer = asyncio.create_task(write())
        await written.wait()
        assert not await is_kept(storage, user)
        seen.set()
        await writer
    assert await is_kept(storage, user)


async def test_each_call_of_a_reading_unit_sees_what_is_committed_when_it_starts(storage: Storage) -> None:
    user = a_user()
    async with storage.uow.reading() as work:
        assert await work.users.find_by_email(user.email) is None
        await asyncio.create_task(storage.given(user))
        assert await work.users.find_by_email(user.email) == user


async def test_a_reading_unit_keeps_nothing_even_when_the_refusal_is_swallowed(storage: Storage) -> None:
    user = a_user()
    async with storage.uow.reading() as work:
        with pytest.raises(RuntimeError):
            await work.users.add(user)

    assert not await is_kept(storage, user)


async def test_cancelled_in_the_middle_it_keeps_nothing_and_holds_nothing_up(storage: Storage) -> None:
    user, next_one = a_user(), a_user()
    written = asyncio.Event()

    async def write() -> None:
        async with storage.uow() as work:
            await work.users.add(user)
            written.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write())
    await written.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer

    async with asyncio.timeout(10):
        await storage.given(next_one)
    assert not await is_kept(storage, user)
    assert await is_kept(storage, next_one)


async def test_a_writer_cancelled_while_it_waits_holds_nothing_up(storage: Storage) -> None:
    user = a_user()
    async with storage.uow() as work:
        waiting = asyncio.create_task(storage.given(a_user(email=user.email)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await work.users.add(user)

    assert await is_kept(storage, user)


async def test_units_do_not_nest(storage: Storage) -> None:
    user = a_user()

    async def nest() -> None:
        async with asyncio.timeout(10), storage.uow() as work:
            await work.users.add(user)
            async with storage.uow():
                pass

    with pytest.raises(RuntimeError, match="nest"):
        await nest()
    assert not await is_kept(storage, user)


async def test_a_reading_unit_is_a_unit_that_does_not_nest(storage: Storage) -> None:
    with pytest.raises(RuntimeError, match="nest"):
        async with storage.uow(), storage.uow.reading():
            pass
    with pytest.raises(RuntimeError, match="nest"):
        async with storage.uow.reading(), storage.uow():
            pass


async def test_one_task_may_have_one_unit_after_another(storage: Storage) -> None:
    for _ in range(2):
        with pytest.raises(LookupError):
            async with storage.uow():
                raise LookupError
        async with storage.uow.reading():
            pass
    await storage.given(a_user())
