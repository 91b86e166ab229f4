"""What the service does while nobody asks: jobs that come round again and again in every worker.

Several workers run the same jobs at once, so a job claims what it works on, or does what may be done twice.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from domain.errors import Unavailable
from domain.services.key_uses import KeyUses
from domain.services.mails import MailService
from domain.services.webhooks import WebhookService

_MAILS_AT_ONCE: Final = 10
_LONGEST_PAUSE: Final = 30.0
_TOLD_AGAIN_AFTER: Final = 600.0

log = logging.getLogger("hexkey.background")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """*run* comes round every *period* seconds, at once when it returns True: there is more to do.

    Each pause is longer or shorter by a random part of up to *jitter*, so that workers do not march in step. After a
    failure it doubles, up to half a minute, until the job goes well again.
    """

    name: str
    run: Callable[[], Awaitable[object]]
    period: float
    jitter: float = 0.2
    longest: float = _LONGEST_PAUSE
    """The longest pause after failures, in seconds, where the period is shorter."""

    def pause(self, failures: int) -> float:
        longest = max(self.longest, self.period)
        part = random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - no secret
        return min(self.period * 2.0 ** min(failures, 16), longest) * part


def mail_job(mails: MailService) -> Job:
    """Looks for mail every three quarters of a second, and at once again while there is a whole batch of it."""

    async def run() -> bool:
        return await mails.deliver(_MAILS_AT_ONCE) == _MAILS_AT_ONCE

    return Job(name="mail", run=run, period=0.75)


def webhook_job(webhooks: WebhookService) -> Job:
    """Looks for what came in every half second, and at once again while there is more."""
    return Job(name="webhooks", run=webhooks.deliver, period=0.5)


def uses_job(uses: KeyUses) -> Job:
    """Writes down how keys were used: of each secret at most once a minute."""
    return Job(name="key uses", run=uses.flush, period=66.0, jitter=0.09)


def closing(uses: KeyUses, close: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Write down how keys were used, if there is still somewhere to write it; then *close*."""

    async def closed() -> None:
        try:
            with suppress(Unavailable):
                await uses.flush()
        finally:
            await close()

    return closed


class Background:
    """Runs *jobs* from `start` to `stop`; neither raises for what a job does."""

    def __init__(self, *jobs: Job, grace: float = 5.0) -> None:
        self._jobs = jobs
        self._grace = grace
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._ending = asyncio.Event()
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """What is being done may end by itself within *grace* seconds; then it is cancelled."""
        if not self._tasks:
            return
        self._ending.set()
        _, late = await asyncio.wait(self._tasks, timeout=self._grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._tasks = []

    async def _repeat(self, job: Job) -> None:
        complaints, failures = Complaints(job.name), 0
        while not self._ending.is_set():
            try:
                has_more = await job.run() is True
                failures = 0
            except Exception as error:
                complaints.tell(error)
                has_more, failures = False, failures + 1
            await (asyncio.sleep(0) if has_more else self._wait(job.pause(failures)))

    async def _wait(self, seconds: float) -> None:
        """Until they are over, or everything is."""
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return


class Complaints:
    """Each kind of failure is told once, and again when it is still there after ten minutes.

    That a store or a server is away is no news to the log: readiness says so.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._told: dict[type[Exception], float] = {}

    def tell(self, error: Exception) -> None:
        kind, now = type(error), self._clock()
        if isinstance(error, Unavailable):
            log.debug("%s waits: %s", self._name, error)
        elif kind not in self._told or now - self._told[kind] >= _TOLD_AGAIN_AFTER:
            self._told[kind] = now
            log.error("%s failed", self._name, exc_info=error)
