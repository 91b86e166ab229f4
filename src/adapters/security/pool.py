"""Threads for slow, CPU-bound work, so that it never holds up the event loop."""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import ParamSpec, TypeVar

from domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


def cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _step_back() -> None:
    """The event loop goes first on a core that they share. Elsewhere than on Linux, niceness is the process's."""
    if sys.platform == "linux":
        os.nice(10)


class BoundedPool:
    """At most *threads* at work and *queue* waiting, each for at most *patience* seconds."""

    def __init__(self, *, threads: int, queue: int, patience: float) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hexkey-passwords", initializer=_step_back)
        self._patience = patience
        self._free = asyncio.Semaphore(threads)
        self._queue = self._places = queue
        self.busy = 0
        """How many threads are at work."""

    @property
    def waiting(self) -> int:
        return self._queue - self._places

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises Unavailable at once when the queue is full, or when patience ends before the work begins."""
        await self._take_a_thread()
        job = asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))
        self.busy += 1
        job.add_done_callback(self._release)
        # A caller who goes away does not stop the thread: its place is free again when the work is done.
        return await asyncio.shield(job)

    async def _take_a_thread(self) -> None:
        if self._free.locked() and self._places == 0:
            raise self._busy()
        self._places -= 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._places += 1

    def _release(self, _: object) -> None:
        self.busy -= 1
        self._free.release()

    def _busy(self) -> Unavailable:
        return Unavailable("too many passwords are being checked", retry_after=ceil(self._patience))

    def close(self) -> None:
        """Waits for the work that has begun. Nothing runs afterwards."""
        self._threads.shutdown(cancel_futures=True)
