"""Runs migrations one process at a time, whoever starts them and however.

The whole upgrade is one transaction and the transaction is the lock: ``BEGIN IMMEDIATE`` on SQLite, an advisory lock
on PostgreSQL. Who comes second waits, reads the version table and finds nothing left to do.
"""

import asyncio
from typing import cast

from advanced_alchemy.alembic.commands import AlembicCommandConfig
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.tables import METADATA

LOCK = 0x6865786B6579
"""``hexkey`` in hexadecimal: the advisory lock that only migrations take."""

config = cast(AlembicCommandConfig, context.config)


def offline() -> None:
    """Print the statements instead of running them."""
    context.configure(
        dialect_name=config.engine.dialect.name,
        target_metadata=METADATA,
        literal_binds=True,
        version_table=config.version_table_name,
    )
    with context.begin_transaction():
        context.run_migrations()


def online(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table=config.version_table_name,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        user_module_prefix="types.",
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        context.run_migrations()


async def online_async(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(online)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    offline()
elif isinstance(config.engine, AsyncEngine):
    asyncio.run(online_async(config.engine))
else:
    with config.engine.begin() as connection:
        online(connection)
