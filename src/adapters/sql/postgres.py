"""PostgreSQL through asyncpg's pool: autocommitted reads, READ COMMITTED units of work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any, cast

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from adapters.sql.connections import Connections
from adapters.sql.postgres_errors import TROUBLE, translated
from adapters.sql.postgres_pool import PATIENCE, Pool
from adapters.sql.statements import (
    Connection,
    Reading,
    Rows,
    Statement,
    Unit,
    Values,
    refuse_writes,
)


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


DIALECT = cast(Callable[..., Dialect], PGDialect_asyncpg)(json_serializer=_json_text)
"""It encodes JSON; the connection's codec, set by the pool, decodes it."""


class PostgresDatabase:
    """*dsn* is ``postgresql://user:password@host:port/database?sslmode=…``, as libpq takes it."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn)
        self._reads = _Reads(self._pool)

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        return nullcontext(self._reads)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A unit of work: committed when the block is left, rolled back if an exception leaves it.

        Who is cancelled, or told `Unavailable`, while it commits does not know the outcome.
        """
        connection = await self._pool.healed(self._begun)
        try:
            unit = _Unit(connection)
            yield unit
            unit.check()
            with translated():
                await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise
        finally:
            await self._pool.release(connection)

    def connections(self) -> Connections:
        return self._pool.connections()

    async def close(self) -> None:
        await self._pool.close()

    async def _begun(self) -> PoolConnectionProxy:
        connection = await self._pool.acquire()
        try:
            await self._pool.begin(connection)
        except BaseException:
            _give_up(connection)
            await self._pool.release(connection)
            raise
        return connection


async def _roll_back(connection: PoolConnectionProxy) -> None:
    """If it cannot be done the connection is given up, and the server rolls back."""
    try:
        await connection.execute("ROLLBACK", timeout=PATIENCE)
    except TROUBLE:
        _give_up(connection)
    except BaseException:
        _give_up(connection)
        raise


def _give_up(connection: PoolConnectionProxy) -> None:
    with suppress(asyncpg.InterfaceError):  # it was dead, and the pool took it back by itself
        connection.terminate()


class _Unit(Unit):
    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        plan = statement.plan(DIALECT)
        text, parameters = plan.bind(values)
        with self.one_refusal(), translated(statement):
            return plan.decode(list(map(tuple, await self._connection.fetch(text, *parameters))))

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    async def execute(self, statement: Statement, /, **values: Any) -> int:
        text, parameters = statement.plan(DIALECT).bind(values)
        with self.one_refusal(), translated(statement):
            status = await self._connection.execute(text, *parameters)
        return int(status.rpartition(" ")[2])

    async def execute_many(self, statement: Statement, rows: Iterable[Values], /) -> None:
        plan = statement.plan(DIALECT)
        bound = [plan.bind(values) for values in rows]
        with self.one_refusal(), translated(statement):
            for text in dict.fromkeys(text for text, _ in bound):
                await self._connection.executemany(text, [values for other, values in bound if other == text])

    async def lock(self, statement: Statement, /, **values: Any) -> None:
        await self.fetch(statement, **values)


class _Reads:
    """Each statement takes a connection for itself alone."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        refuse_writes(statement)
        plan = statement.plan(DIALECT)
        text, parameters = plan.bind(values)
        return plan.decode(await self._pool.healed(lambda: self._once(text, parameters)))

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        rows = await self.fetch(statement, **values)
        return rows[0] if rows else None

    async def _once(self, text: str, parameters: list[Any]) -> Rows:
        connection = await self._pool.acquire()
        try:
            if self._pool.is_shared:
                return await self._in_a_transaction(connection, text, parameters)
            return list(map(tuple, await connection.fetch(text, *parameters)))
        except (asyncpg.InternalClientError, asyncio.CancelledError):
            # A goodbye of the server came between, and its state is muddled; or whoever asked has no more time, and
            # the pool would wait until a server that does not answer has confirmed that it stopped.
            _give_up(connection)
            raise
        finally:
            await self._pool.release(connection)

    async def _in_a_transaction(self, connection: PoolConnectionProxy, text: str, parameters: list[Any]) -> Rows:
        """Or else what is prepared for the statement would be with one server and the statement with another."""
        try:
            await self._pool.begin(connection)
            rows = list(map(tuple, await connection.fetch(text, *parameters)))
            await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise
        return rows
