"""Scripts on a Redis server, which runs them one after another: whatever a script does, it does in one step.

*Why calls travel together.* A call by itself costs 40 µs of this process, most of it the way to the socket and back.
Those that are asked for in one turn of the loop share the way: 64 at once cost a third, and need one connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from domain.errors import Unavailable

CONNECTIONS: Final = 8
"""At most, in one process; whoever finds them all taken waits for one."""


class Script:
    """Known to Redis by its digest; sent whole to a Redis that does not know it, or no longer."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = sha1(source.encode(), usedforsecurity=False).hexdigest()


class _Call:
    __slots__ = ("answer", "arguments", "keys", "script")

    def __init__(self, script: Script, keys: list[str], arguments: tuple[int, ...]) -> None:
        self.script = script
        self.keys = keys
        self.arguments = arguments
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class RedisScripts:
    """*url* is ``redis://user:password@host:6379/0``, ``rediss://…`` for TLS, or ``unix:///path``.

    A call that has no answer after *timeout* seconds raises Unavailable; Redis may have done it all the same. Its
    connection is closed, for the answer on the way would be read by whoever got it next (CVE-2023-28858). Calls that
    are cancelled leave theirs in peace: their answers are read, and thrown away.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,
            socket_timeout=None,
            protocol=2,  # nothing is pushed to us, and a new connection needs no greeting
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._timeout = timeout
        self._waiting: list[_Call] = []
        self._travelling: set[asyncio.Task[None]] = set()

    async def run(self, script: Script, keys: list[str], *arguments: int) -> Any:
        """Raises Unavailable."""
        call = _Call(script, keys, arguments)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._depart)
        self._waiting.append(call)
        return await call.answer

    async def check(self) -> None:
        """Raises Unavailable."""
        try:
            async with awake_for(self._timeout):
                await self._redis.ping()
        except Exception as failure:
            raise _unavailable(failure) from None

    async def close(self) -> None:
        """Calls that are on their way have their answers first."""
        await asyncio.gather(*self._travelling)
        await self._redis.aclose()

    def _depart(self) -> None:
        calls, self._waiting = self._waiting, []
        task = asyncio.create_task(self._travel(calls))
        self._travelling.add(task)
        task.add_done_callback(self._travelling.discard)

    async def _travel(self, calls: list[_Call]) -> None:
        """Every call has its answer in the end, or the reason why there is none."""
        answers: list[Any]
        try:
            async with awake_for(self._timeout):
                answers = await self._answers(calls)
        except Exception as failure:
            answers = [failure] * len(calls)
        for call, answer in zip(calls, answers, strict=True):
            if call.answer.done():
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(_unavailable(answer))
            else:
                call.answer.set_result(answer)

    async def _answers(self, calls: list[_Call]) -> list[Any]:
        answers = await self._sent(calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            for source in {calls[place].script.source for place in unknown}:
                await self._redis.script_load(source)
            for place, answer in zip(unknown, await self._sent([calls[place] for place in unknown]), strict=True):
                answers[place] = answer
        return answers

    async def _sent(self, calls: list[_Call]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.evalsha(call.script.digest, len(call.keys), *call.keys, *call.arguments)
            return await pipeline.execute(raise_on_error=False)


@asynccontextmanager
async def awake_for(seconds: float, ticks: int = 5) -> AsyncIterator[None]:
    """As `asyncio.timeout`, but time in which the loop stood still does not count.

    After such a time the loop runs what is overdue before it reads what has arrived: a busy worker would take every
    answer on its way for one that never came.
    """
    loop = asyncio.get_running_loop()
    waiting = loop.call_later(seconds / ticks, lambda: tick(ticks - 1))

    def tick(left: int) -> None:
        nonlocal waiting
        if left:
            waiting = loop.call_later(seconds / ticks, tick, left - 1)
        else:
            patience.reschedule(loop.time())

    try:
        async with asyncio.timeout(None) as patience:
            yield
    finally:
        waiting.cancel()


def _unavailable(failure: Exception) -> Unavailable:
    """Whatever goes wrong between us and Redis; uvloop calls a connection that was closed a RuntimeError."""
    if isinstance(failure, TimeoutError):
        return Unavailable("Redis does not answer in time")
    return Unavailable(f"Redis cannot be used: {failure}")
