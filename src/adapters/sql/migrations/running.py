"""Runs the migrations of a branch one process at a time, whoever starts them and however.

The whole upgrade is one transaction and the transaction is the lock: ``BEGIN IMMEDIATE`` on SQLite, an advisory lock
on PostgreSQL. Who comes second waits, reads the version table and finds nothing left to do.
"""

import asyncio
from typing import cast

from advanced_alchemy.alembic.commands import AlembicCommandConfig
from alembic import context
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

LOCK = 0x6865786B6579
"""``hexkey`` in hexadecimal: the advisory lock that only migrations take."""


def run(metadata: MetaData) -> None:
    """What the ``env.py`` of a branch does; its tables are those of *metadata*."""
    config = cast(AlembicCommandConfig, context.config)
    if context.is_offline_mode():
        _offline(config, metadata)
    elif isinstance(config.engine, AsyncEngine):
        asyncio.run(_online_async(config, config.engine, metadata))
    else:
        with config.engine.begin() as connection:
            _online(connection, config, metadata)


def _offline(config: AlembicCommandConfig, metadata: MetaData) -> None:
    """Print the statements instead of running them."""
    context.configure(
        dialect_name=config.engine.dialect.name,
        target_metadata=metadata,
        literal_binds=True,
        version_table=config.version_table_name,
    )
    with context.begin_transaction():
        context.run_migrations()


def _online(connection: Connection, config: AlembicCommandConfig, metadata: MetaData) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=config.version_table_name,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        user_module_prefix="types.",
        include_name=lambda name, kind, _: kind != "table" or name in metadata.tables,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        context.run_migrations()


async def _online_async(config: AlembicCommandConfig, engine: AsyncEngine, metadata: MetaData) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(_online, config, metadata)
        await connection.commit()
    await engine.dispose()
