"""Rate limits that all workers count together on a memcached.

All windows of a subject lie under one key and are changed by compare-and-swap: all of them are counted, or none. Those
who lose the swap look again; within one process they queue for it instead.
"""

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from math import ceil
from typing import Any
from weakref import WeakValueDictionary

import aiomcache
import msgspec
from aiomcache.exceptions import ClientException

from domain.errors import Unavailable
from domain.model.limits import Admission, Allowance, Policy, require_cost

TRIES = 64
Windows = dict[str, tuple[float, int]]
"""By policy and counter: when it ends, and what of it is used."""

_decode = msgspec.json.Decoder(Windows).decode


class MemcachedRateLimiter:
    """*clock* counts seconds as all workers do, hence the time of day."""

    def __init__(
        self, client: aiomcache.Client, *, prefix: str = "hexkey:limits:", clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._queues: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        require_cost(cost)
        if not policies:
            return Admission(admitted=True)
        now = self._clock()

        def count(windows: Windows) -> tuple[Admission, bool]:
            present = [windows.get(_name(policy), (now + policy.window, 0)) for policy in policies]
            admitted = all(used + cost <= policy.quota for policy, (_, used) in zip(policies, present, strict=True))
            if admitted:
                present = [(ends, used + cost) for ends, used in present]
                windows.update(zip(map(_name, policies), present, strict=True))
            left = zip(policies, present, strict=True)
            allowances = tuple(Allowance(policy, policy.quota - used, ends - now) for policy, (ends, used) in left)
            return Admission(admitted, allowances), admitted

        admission: Admission = await self._changed(subject, now, count)
        return admission

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        require_cost(cost)

        def take_back(windows: Windows) -> tuple[None, bool]:
            begun = [name for name in map(_name, policies) if name in windows]
            windows.update({name: (windows[name][0], max(0, windows[name][1] - cost)) for name in begun})
            return None, bool(begun)

        await self._changed(subject, self._clock(), take_back)

    async def _changed(self, subject: str, now: float, change: Callable[[Windows], tuple[Any, bool]]) -> Any:
        """What *change* answers of the windows that run, once its change is kept if it made one."""
        key = (self._prefix + sha256(subject.encode()).hexdigest()).encode()
        queue = self._queues.setdefault(key, asyncio.Lock())
        try:
            async with queue:
                for _ in range(TRIES):
                    kept, token = await self._client.gets(key)
                    read = _decode(kept) if kept else {}
                    windows = {name: window for name, window in read.items() if window[0] > now}
                    answer, is_changed = change(windows)
                    if not is_changed or await self._keep(key, windows, token, now):
                        return answer
        except (ClientException, OSError, EOFError) as error:
            raise Unavailable("memcached does not answer") from error
        raise Unavailable("too many count the same subject at once")

    async def _keep(self, key: bytes, windows: Windows, token: int | None, now: float) -> bool:
        lives = ceil(max(ends for ends, _ in windows.values()) - now)
        value = msgspec.json.encode(windows)
        if token is None:
            return await self._client.add(key, value, exptime=lives)
        return await self._client.cas(key, value, token, exptime=lives)


def _name(policy: Policy) -> str:
    return f"{policy.quota}/{policy.window} {policy.counter}"
