"""SQLite: reads inline on the loop under a budget, writes in groups that share one commit.

A read that needs more than a millisecond or so, or that meets a lock, is interrupted and run again in a thread. What
is one step of SQLite's machine cannot be interrupted, and a few are long: an unconditional ``count(*)`` takes 5 ms
for a million rows, so count a column where there may be more.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

from adapters.sql.sqlite_file import DIALECT, fail, is_locked, is_over_budget, open_file, perform
from adapters.sql.statements import Connection, Plan, Reading, Rows, Statement, Unit, Values, refuse_writes
from domain.errors import Unavailable

BUDGET = 20_000
"""Steps of SQLite's machine. A read is interrupted after one to two budgets: 0.4 to 1.9 ms, scan, sort or offset."""

_uniform = SystemRandom().uniform
_Batch = asyncio.Future[Exception | None]
"""The end of a transaction that several units share: ``None``, or what lost their writes."""
T = TypeVar("T")


class SqliteDatabase:
    """One file. *patience* is how long, in seconds, a statement or a unit of work waits for other processes."""

    def __init__(self, path: Path, *, patience: float = 5.0) -> None:
        self._path = path
        self._patience = patience
        self._reads = _Reads(path, patience)
        self._turn = asyncio.Lock()
        self._writer: sqlite3.Connection | None = None
        self._batch: _Batch | None = None
        self._committing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "hexkey-commit")

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        return nullcontext(self._reads)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A unit of work: committed, and on the disk, when the block is left; undone if an exception leaves it.

        Units take turns in the order in which they came. The first begins a transaction, those that wait when it
        ends its turn join it, and one commit serves them all; each has a savepoint, so that it fails alone. Who is
        cancelled while waiting for the commit does not know its outcome.
        """
        deadline = time.monotonic() + self._patience
        async with self._turn:
            writer, batch = await self._transaction(deadline)
            with self._savepoint(writer, batch) as unit:
                yield unit
        if (lost := await asyncio.shield(batch)) is not None:
            raise Unavailable from lost

    async def close(self) -> None:
        """What is under way is committed first."""
        async with self._turn:
            if self._batch is not None:
                await self._end(self._batch)
            await asyncio.to_thread(self._reads.close)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._discard_writer)
            self._thread.shutdown()

    async def _transaction(self, deadline: float) -> tuple[sqlite3.Connection, _Batch]:
        loop = asyncio.get_running_loop()
        if (writer := self._writer) is None:
            writer = await loop.run_in_executor(self._thread, self._open_writer)
        if self._batch is None:
            await _begin(writer, deadline)
            self._batch = loop.create_future()
            self._committing = loop.create_task(self._commit(self._batch))
        return writer, self._batch

    async def _commit(self, batch: _Batch) -> None:
        """Queues for the turn behind the units that wait already: they are the batch."""
        async with self._turn:
            if not batch.done():
                await self._end(batch)

    async def _end(self, batch: _Batch) -> None:
        self._batch = None
        batch.set_result(await asyncio.get_running_loop().run_in_executor(self._thread, self._sync))

    @contextmanager
    def _savepoint(self, writer: sqlite3.Connection, batch: _Batch) -> Iterator["_Unit"]:
        unit = _Unit(writer)
        try:
            perform(writer, "SAVEPOINT unit")
            yield unit
            unit.check()
            perform(writer, "RELEASE unit")
        except BaseException:
            self._undo(writer, batch)
            raise

    def _undo(self, writer: sqlite3.Connection, batch: _Batch) -> None:
        try:
            writer.execute("ROLLBACK TO unit")
            writer.execute("RELEASE unit")
        except sqlite3.Error as error:
            # SQLite itself ended the transaction, and the earlier units of the batch with it: they must hear of it.
            self._discard_writer()
            self._batch = None
            batch.set_result(error)

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            self._writer = open_file(self._path, patience=self._patience, waits=False, writes=True)
        return self._writer

    def _sync(self) -> Exception | None:
        try:
            self._open_writer().execute("COMMIT")
        except (sqlite3.Error, Unavailable) as error:
            self._discard_writer()
            return error
        return None

    def _discard_writer(self) -> None:
        """What it has not committed is rolled back."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None


async def _begin(writer: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            writer.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if not is_locked(error) or time.monotonic() > deadline:
                fail(error)
        await asyncio.sleep(_uniform(0.001, 0.004))


class _Unit(Unit):
    """Its statements run inline: one writer has no one to wait for."""

    def __init__(self, writer: sqlite3.Connection) -> None:
        self._writer = writer

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        return self._run(statement, values)[0]

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        rows, _ = self._run(statement, values)
        return rows[0] if rows else None

    async def execute(self, statement: Statement, /, **values: Any) -> int:
        return self._run(statement, values)[1]

    async def execute_many(self, statement: Statement, rows: Iterable[Values], /) -> None:
        for values in rows:
            self._run(statement, values)

    async def lock(self, statement: Statement, /, **values: Any) -> None:
        """The only writer holds everything."""

    def _run(self, statement: Statement, values: Values) -> tuple[Rows, int]:
        plan = statement.plan(DIALECT)
        text, parameters = plan.bind(values)
        with self.one_refusal():
            rows, changed = perform(self._writer, text, parameters, statement)
        return plan.decode(rows), changed


class _Reads:
    """One connection on the loop's own thread, and a few for what takes longer than the loop may stand still."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._inline: sqlite3.Connection | None = None
        self._ticks = 0
        self._idle: deque[sqlite3.Connection] = deque()
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(2, "hexkey-read")

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        refuse_writes(statement)
        plan = statement.plan(DIALECT)
        text, parameters = plan.bind(values)
        if (connection := self._inline) is None:
            connection = await self._in_thread(self._open_inline)
        self._ticks = 0
        try:
            return plan.decode(connection.execute(text, parameters).fetchall())
        except sqlite3.Error as error:
            if not (is_over_budget(error) or is_locked(error)):
                fail(error)
        deadline = time.monotonic() + self._patience
        return await self._in_thread(lambda: self._scan(plan, text, parameters, deadline))

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    def close(self) -> None:
        self._threads.shutdown()
        for connection in (self._inline, *self._idle):
            if connection is not None:
                connection.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _open_inline(self) -> sqlite3.Connection:
        with self._opening:
            if self._inline is None:
                self._inline = open_file(self._path, patience=self._patience, waits=False, writes=False)
                self._inline.set_progress_handler(self._tick, BUDGET)
            return self._inline

    def _tick(self) -> bool:
        """Whether to interrupt. A cached statement goes on counting from its former run, so the first tick is free."""
        self._ticks += 1
        return self._ticks > 1

    def _scan(self, plan: Plan, text: str, parameters: list[Any], deadline: float) -> Rows:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = open_file(self._path, patience=self._patience, waits=True, writes=False)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, BUDGET)
        try:
            return plan.decode(perform(connection, text, parameters)[0])
        finally:
            self._idle.append(connection)
