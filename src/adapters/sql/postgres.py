"""PostgreSQL through asyncpg's pool: autocommitted reads, READ COMMITTED units of work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any, TypeVar, cast

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from adapters.sql.connections import Connections
from adapters.sql.postgres_errors import TROUBLE, is_dead, translated
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
"""It encodes JSON; the connection's codec, set by `_prepare`, decodes it."""

_SETTINGS = {
    "application_name": "hexkey",
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}
_MOST = 10
_PATIENCE = 2.0
_COMMAND_TIMEOUT = 5.0
T = TypeVar("T")


class PostgresDatabase:
    """*dsn* is ``postgresql://user:password@host:port/database?sslmode=…``, as libpq takes it."""

    def __init__(self, dsn: str) -> None:
        self._pool = _Pool(dsn)
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
            await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        except BaseException:
            _give_up(connection)
            await self._pool.release(connection)
            raise
        return connection


async def _roll_back(connection: PoolConnectionProxy) -> None:
    """If it cannot be done the connection is given up, and the server rolls back."""
    try:
        await connection.execute("ROLLBACK", timeout=_PATIENCE)
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

    def __init__(self, pool: "_Pool") -> None:
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
            return list(map(tuple, await connection.fetch(text, *parameters)))
        except (asyncpg.InternalClientError, asyncio.CancelledError):
            # A goodbye of the server came between, and its state is muddled; or whoever asked has no more time, and
            # the pool would wait until a server that does not answer has confirmed that it stopped.
            _give_up(connection)
            raise
        finally:
            await self._pool.release(connection)


class _Pool:
    """asyncpg's, made at its first use, so that it belongs to the loop that runs then."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None

    async def healed(self, work: Callable[[], Awaitable[T]]) -> T:
        """*work*, which must be safe to repeat, once more on a fresh connection if its own was dead."""
        with translated():
            try:
                return await work()
            except TROUBLE as error:
                if self._pool is None or not is_dead(error):
                    raise
                await self._pool.expire_connections()
                return await work()

    async def acquire(self) -> PoolConnectionProxy:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn, min_size=0, max_size=_MOST, timeout=_PATIENCE, command_timeout=_COMMAND_TIMEOUT,
                server_settings=_SETTINGS, init=_prepare, reset=_leave_as_it_is, target_session_attrs="primary",
            )  # fmt: skip
            await self._pool
        async with asyncio.timeout(_PATIENCE):  # the pool's own starts a task for each
            return await self._pool.acquire()

    async def release(self, connection: PoolConnectionProxy) -> None:
        if self._pool is not None:
            await self._pool.release(connection)

    def connections(self) -> Connections:
        opened, idle = (0, 0) if self._pool is None else (self._pool.get_size(), self._pool.get_idle_size())
        return Connections(used=opened - idle, opened=opened, at_most=_MOST)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog")


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """We leave no state in a session (no SET, LISTEN, cursor or lock), so there is nothing to pay a round trip for."""
