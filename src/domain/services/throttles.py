"""How guessing passwords is slowed down, whichever door it comes through."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from domain.errors import InvalidCredential, QuotaExceeded, Unavailable, WrongPassword
from domain.model.actors import Origin, neighbourhood
from domain.model.attempts import UNKNOWN_DEVICE, Attempts
from domain.model.ids import UserId
from domain.model.limits import Policy
from domain.ports.limits import RateLimiter
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

_AGAIN = 0.1
_WAITING_MAX = 32
_AT_ONCE_MAX = 64
_LATER = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attempt counts: at which account, from which device."""

    account: str
    device: str = UNKNOWN_DEVICE


def account_of(user_id: UserId) -> str:
    return f"user:{user_id}"


class Throttle:
    """Two counts, one for all doors: by account and device, which outlives a restart, and by address.

    Who would be refused while others may be being judged, for the last came less than *patience* seconds ago, waits
    as long for one of them to succeed: an owner who signs in twenty times at once has done no wrong.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        limiter: RateLimiter,
        address_limit: Policy | None,
        clock: Clock,
        patience: float = 1.0,
    ) -> None:
        self._uow = uow
        self._limiter = limiter
        self._address = () if address_limit is None else (address_limit,)
        self._clock = clock
        self._patience = timedelta(seconds=patience)
        self._waiting = 0
        self._under_way = 0

    @asynccontextmanager
    async def attempt(self, place: Place, origin: Origin) -> AsyncIterator[None]:
        """Inside, one password is judged and, if it is right, `forgive` is called in the unit of work of its effect.

        What leaves the block without a judgement is not counted. Raises QuotaExceeded, Unavailable.
        """
        with self._one_more():
            await self.admit_address(origin)
            await self._reserve(place)
            try:
                yield
            except (InvalidCredential, WrongPassword):
                raise
            except BaseException:
                await self._release(place, origin)
                raise
            await self._refund(origin)

    async def forgive(self, work: UnitOfWork, place: Place) -> None:
        await work.attempts.forget(place.account, place.device)

    async def unlock(self, work: UnitOfWork, user_id: UserId) -> None:
        """Nothing counts against the user any more, on any device."""
        await work.attempts.forget(account_of(user_id))

    async def admit_address(self, origin: Origin) -> None:
        """Count a call that tries a secret against its address. Raises QuotaExceeded."""
        if not self._address or origin.address is None:
            return
        admission = await self._limiter.hit(_subject(origin), self._address)
        if not admission.admitted:
            raise QuotaExceeded(admission.retry_after())

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        """What could not be judged soon does not come near the store, which others need. Raises Unavailable."""
        if self._under_way >= _AT_ONCE_MAX:
            raise Unavailable("too many passwords are being checked", retry_after=_LATER)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _refund(self, origin: Origin) -> None:
        if self._address and origin.address is not None:
            await self._limiter.refund(_subject(origin), self._address)

    async def _reserve(self, place: Place) -> None:
        before = await self._reserved(place)
        if before and self._clock.now() - before.last_at < self._patience and self._waiting < _WAITING_MAX:
            before = await self._reserved_later(place, before)
        if before:
            raise QuotaExceeded(max(1, ceil(before.wait(now=self._clock.now()).total_seconds())))

    async def _reserved_later(self, place: Place, before: Attempts | None) -> Attempts | None:
        time = asyncio.get_running_loop().time
        deadline = time() + self._patience.total_seconds()
        self._waiting += 1
        try:
            while before and time() < deadline:
                await asyncio.sleep(_AGAIN)
                before = await self._reserved(place)
        finally:
            self._waiting -= 1
        return before

    async def _reserved(self, place: Place) -> Attempts | None:
        """Those before, for which this one has to wait; None once it is counted."""
        now = self._clock.now()
        async with self._uow() as work:
            attempts = await work.attempts.lock(place.account, place.device, now=now)
            if attempts.wait(now=now):
                return attempts
            await work.attempts.save(attempts.reserve(now=now))
        return None

    async def _release(self, place: Place, origin: Origin) -> None:
        await self._refund(origin)
        with suppress(Unavailable):
            async with self._uow() as work:
                attempts = await work.attempts.lock(place.account, place.device, now=self._clock.now())
                await work.attempts.save(attempts.release())


def _subject(origin: Origin) -> str:
    return f"sign_in:{neighbourhood(origin.address)}"
