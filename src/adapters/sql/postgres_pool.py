"""asyncpg's pool, to a PostgreSQL that is ours or behind a pooler that shares its sessions, such as PgBouncer.

*Shared sessions.* In transaction mode a pooler lends a session for one transaction. Outside of one asyncpg prepares a
statement and runs it in two steps, between which the session may be lent to somebody else: it would fail, or run what
they have prepared. So there every statement is in a transaction, and nothing that was prepared is used in another.
What a session would remember is said in each transaction, and so is that it must be one of a primary: a pooler may have
changed the server behind it.

*How it is found out.* A server tells each session the id of its process; a pooler makes one up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from adapters.sql.connections import Connections
from adapters.sql.postgres_errors import TROUBLE, is_dead, translated
from domain.errors import Unavailable

PATIENCE: Final = 2.0
_MOST = 10
_COMMAND_TIMEOUT = 5.0
_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}
_NAME = {"application_name": "hexkey"}
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_SHARED = "; ".join(
    (f"{_BEGIN} READ WRITE", *(f"SET LOCAL {name} = '{value}'" for name, value in _SETTINGS.items()))
)
"""A server in recovery refuses the first of these."""
_OURS: dict[str, Any] = {"server_settings": {**_NAME, **_SETTINGS}, "target_session_attrs": "primary"}
_SHARED: dict[str, Any] = {"server_settings": _NAME, "statement_cache_size": 0}
T = TypeVar("T")


class Pool:
    """Made at its first use, so that it belongs to the loop that runs then."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None
        self._making = asyncio.Lock()
        self.is_shared = False

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
        pool = self._pool or await self._made()
        async with asyncio.timeout(PATIENCE):  # the pool's own starts a task for each
            return await pool.acquire()

    async def begin(self, connection: PoolConnectionProxy) -> None:
        """A transaction that reads what is committed, on a primary."""
        if not self.is_shared:
            await connection.execute(_BEGIN)
            return
        try:
            await connection.execute(_BEGIN_SHARED)
        except asyncpg.FeatureNotSupportedError as error:
            raise Unavailable from error

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

    async def _made(self) -> asyncpg.Pool:
        async with asyncio.timeout(PATIENCE), self._making:
            if self._pool is None:
                self.is_shared = await is_shared(self._dsn)
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=0, max_size=_MOST, timeout=PATIENCE, command_timeout=_COMMAND_TIMEOUT,
                    init=self._prepare, reset=_leave_as_it_is, **(_SHARED if self.is_shared else _OURS),
                )  # fmt: skip
        return self._pool

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        if self.is_shared:
            await self.begin(connection)
        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog")
        if self.is_shared:
            await connection.execute("COMMIT")


async def is_shared(dsn: str) -> bool:
    """Whether the sessions at *dsn* are lent by a pooler. Raises as asyncpg does."""
    connection = await asyncpg.connect(dsn, timeout=PATIENCE, command_timeout=_COMMAND_TIMEOUT, **_SHARED)
    try:
        async with connection.transaction():
            real: int = await connection.fetchval("SELECT pg_backend_pid()")
        told: int = connection.get_server_pid()
        return real != told
    finally:
        connection.terminate()


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """We leave no state in a session (no SET, LISTEN, cursor or lock), so there is nothing to pay a round trip for."""
