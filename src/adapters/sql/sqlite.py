"""SQLite: reads inline on the loop under a budget, writes in groups that share one commit."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from random import SystemRandom
from typing import Any

from adapters.sql.connections import Connections
from adapters.sql.sqlite_file import DIALECT, create_file, fail, identity_of, is_locked, open_file, perform
from adapters.sql.sqlite_reads import Reads
from adapters.sql.statements import Connection, Reading, Rows, Statement, Unit, Values
from domain.errors import Unavailable

_uniform = SystemRandom().uniform
_Batch = asyncio.Future[Exception | None]
"""The end of a transaction that several units share: ``None``, or what lost their writes."""


class SqliteDatabase:
    """One file. *patience* is how long, in seconds, a statement or a unit of work waits for other processes.

    Each asks first whether it is still the file that was opened: what is put in its place, such as a backup, is opened
    anew, for in the old one nobody else would write any more.
    """

    def __init__(self, path: Path, *, patience: float = 5.0) -> None:
        self.path = path
        self._patience = patience
        self._reads = Reads(path, patience)
        self._turn = asyncio.Lock()
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
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

    def connections(self) -> Connections:
        return Connections(used=int(self._turn.locked()), opened=int(self._writer is not None), at_most=1)

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
        writer = self._writer
        if writer is None or (self._batch is None and identity_of(self.path) != self._file):
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
        if self._file is None:
            create_file(self.path)
        file = identity_of(self.path)
        if self._writer is None or file != self._file:
            self._discard_writer()
            self._writer = open_file(self.path, patience=self._patience, waits=False, writes=True)
            self._file = file
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
