"""Who is deactivated is signed out everywhere, whatever begins meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from app.composition import assemble
from domain.errors import InvalidCredential
from domain.model.actors import NOWHERE, system
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.users import User
from domain.ports.unit_of_work import UnitOfWork
from tests.support.databases import Storage
from tests.support.fakes import START, CountingIds
from tests.support.ports import ports_over

PASSWORD = "correct horse battery staple"
OPERATOR = system(CORE_PERMISSIONS)


class Interrupted:
    """The units of work of *storage*: before the first save of a user *meanwhile* happens, if nobody is in its way."""

    def __init__(self, storage: Storage, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.reading = storage.uow.reading
        self._uow = storage.uow
        self._meanwhile = meanwhile
        self.interruption: asyncio.Future[object] | None = None

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[UnitOfWork]:
        async with self._uow() as work:
            save = work.users.save

            async def interrupted(user: User) -> User:
                if self.interruption is None:
                    self.interruption = asyncio.ensure_future(self._meanwhile())
                    await asyncio.wait({self.interruption}, timeout=0.2)
                return await save(user)

            work.users.save = interrupted  # type: ignore[method-assign]
            yield work


async def test_a_session_that_begins_while_its_user_is_deactivated_ends_at_once(storage: Storage) -> None:
    services = assemble(ports_over(storage))
    ada = await services.users.create(OPERATOR, email="ada@example.org", password=PASSWORD)
    uow = Interrupted(storage, lambda: services.sign_in.for_tokens(ada.email, PASSWORD, NOWHERE))
    interrupted = assemble(replace(ports_over(storage, ids=CountingIds(5000)), uow=uow))

    await interrupted.users.deactivate(OPERATOR, ada.id)
    assert uow.interruption is not None
    with suppress(InvalidCredential):
        await uow.interruption

    async with storage.uow.reading() as work:
        assert not (await work.users.get(ada.id)).is_active
        assert not await work.sessions.list_live_by_user(ada.id, now=START)
