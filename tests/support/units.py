"""Units of work, and what happens before one begins or after it has ended."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

CLAIM, EFFECT, LAST_WORD = 1, 2, 3
"""Those of a request with an ``Idempotency-Key``."""

Meanwhile = Callable[[], Awaitable[object]]


class Units:
    """Those of *uow*, and what happens before and after some of the next."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self._number = 0
        self._before: dict[int, Meanwhile] = {}
        self._after: dict[int, Meanwhile] = {}

    def before(self, which: int, meanwhile: Meanwhile) -> None:
        self._before[self._number + which] = meanwhile

    def after(self, which: int, meanwhile: Meanwhile) -> None:
        self._after[self._number + which] = meanwhile

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[UnitOfWork]:
        self._number += 1
        number = self._number
        if number in self._before:
            await self._before.pop(number)()
        async with self._uow() as work:
            yield work
        if number in self._after:
            await self._after.pop(number)()

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._uow.reading()
