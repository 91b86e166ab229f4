"""Reads of a SQLite file, inline on the loop under a budget.

One that needs more than a millisecond or so, or that meets a lock, is interrupted and run again in a thread. What is
one step of SQLite's machine cannot be interrupted, and a few are long: an unconditional ``count(*)`` takes 5 ms for a
million rows, so count a column where there may be more.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from adapters.sql.sqlite_file import (
    DIALECT,
    create_file,
    fail,
    identity_of,
    is_locked,
    is_over_budget,
    open_file,
    perform,
)
from adapters.sql.statements import Plan, Rows, Statement, refuse_writes

BUDGET = 20_000
"""Steps of SQLite's machine. A read is interrupted after one to two budgets: 0.4 to 1.9 ms, scan, sort or offset."""

T = TypeVar("T")


class Reads:
    """One connection on the loop's own thread, and a few for what takes longer than the loop may stand still."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._inline: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._ticks = 0
        self._idle: deque[sqlite3.Connection] = deque()
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(2, "hexkey-read")

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        refuse_writes(statement)
        plan = statement.plan(DIALECT)
        text, parameters = plan.bind(values)
        connection = self._inline
        if connection is None or identity_of(self._path) != self._file:
            connection = await self._renewed(connection)
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

    async def _renewed(self, stale: sqlite3.Connection | None) -> sqlite3.Connection:
        connection = await self._in_thread(self._open_inline)
        if stale is not None and stale is not connection:
            stale.close()  # here, where nothing else is using it
        return connection

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _open_inline(self) -> sqlite3.Connection:
        with self._opening:
            if self._file is None:
                create_file(self._path)
            file = identity_of(self._path)
            if self._inline is None or file != self._file:
                connection = open_file(self._path, patience=self._patience, waits=False, writes=False)
                connection.set_progress_handler(self._tick, BUDGET)
                for idle in self._idle:
                    idle.close()
                self._inline, self._file, self._idle = connection, file, deque()
            return self._inline

    def _tick(self) -> bool:
        """Whether to interrupt. A cached statement goes on counting from its former run, so the first tick is free."""
        self._ticks += 1
        return self._ticks > 1

    def _scan(self, plan: Plan, text: str, parameters: list[Any], deadline: float) -> Rows:
        pool = self._idle
        try:
            connection = pool.pop()
        except IndexError:
            connection = open_file(self._path, patience=self._patience, waits=True, writes=False)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, BUDGET)
        try:
            return plan.decode(perform(connection, text, parameters)[0])
        finally:
            if pool is self._idle:
                pool.append(connection)
            else:
                connection.close()
