"""The trail of what changed access; why it is written as it is, ``domain.model.leases`` argues."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Row, table_of
from adapters.sql.database import Database, open_database
from adapters.sql.sqlite_file import identity_of
from adapters.sql.statements import Connection, Statement
from domain.model.leases import EVERYTHING, Change, Changes

Changed = Callable[[str], object]
"""Told the subject of each change of access, in the unit of work in which it is made."""

_marks = SystemRandom()


class AccessChangeRow(Row):
    """*seq* grows in the order in which units commit, *at* is for pruning only."""

    __tablename__ = "access_changes"

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    mark: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = {"sqlite_autoincrement": True}


CHANGES = table_of(AccessChangeRow)
NEWEST = select(func.max(CHANGES.c.seq)).scalar_subquery()
"""Beside what a statement reads: the last change that was there in the same snapshot."""

_APPEND = Statement(
    insert(CHANGES).values({name: bindparam(name) for name in ("mark", "subject", "at")}).returning(CHANGES.c.seq)
)
_PRUNE = Statement(delete(CHANGES).where(CHANGES.c.at < bindparam("before"), CHANGES.c.seq < NEWEST))
_ROW = (CHANGES.c.seq, CHANGES.c.mark, CHANGES.c.subject)
_HERE = (literal(False), literal(""))
_SERVER = (func.pg_is_in_recovery(), cast(func.pg_postmaster_start_time(), String))

LOCK = 0x6C65617365
"""``lease`` in hexadecimal: whoever appends holds this advisory lock until the unit has committed."""

_IN_TURN = Statement(select(func.set_config("synchronous_commit", "on", True), func.pg_advisory_xact_lock(LOCK)))
"""On PostgreSQL, whose sequences are handed out before the commit. A statement of its own, so that the insert's
snapshot comes after it, and once for each append: a savepoint that was rolled back would have let go of it."""


async def append(connection: Connection, subjects: Iterable[str]) -> dict[str, int]:
    """The last statements of a unit of work; the ``seq`` of each."""
    await connection.lock(_IN_TURN)
    at, seqs = datetime.now(UTC), {}
    for subject in subjects:
        [(seqs[subject],)] = await connection.fetch(_APPEND, mark=_marks.getrandbits(63), subject=subject, at=at)
    return seqs


class _Looks:
    """From some row on, or at the newest alone, with what the database says of itself."""

    def __init__(self, *itself: ColumnElement[Any]) -> None:
        rows = select(*_ROW, *itself).limit(bindparam("limit", type_=Integer))
        self.since = Statement(rows.where(CHANGES.c.seq >= bindparam("since")).order_by(CHANGES.c.seq))
        self.newest = Statement(rows.order_by(CHANGES.c.seq.desc()))


_LOOKS_HERE, _LOOKS_AT_SERVER = _Looks(*_HERE), _Looks(*_SERVER)


class SqlAccessChanges:
    """*database* is nobody else's, so that a look waits for no request; *file* is where SQLite keeps it."""

    def __init__(self, database: Database, file: Path | None) -> None:
        self._database = database
        self._file = file
        self._looks = _LOOKS_AT_SERVER if file is None else _LOOKS_HERE

    @classmethod
    def at(cls, target: Path | str) -> "SqlAccessChanges":
        """Over a database of its own at *target*, as `open_database` takes it."""
        return cls(open_database(target), target if isinstance(target, Path) else None)

    async def read(self, since: int | None, limit: int) -> Changes:
        source = "" if self._file is None else "{}:{}".format(*identity_of(self._file))
        async with self._database.reading() as connection:
            if since is None:
                rows = await connection.fetch(self._looks.newest, limit=1)
            else:
                rows = await connection.fetch(self._looks.since, since=since, limit=limit)
        changes = tuple(Change(*row[:3]) for row in rows)
        in_recovery, server = rows[0][3:] if rows else (False, "")
        return Changes(changes, source or server, not in_recovery)

    async def flush(self) -> None:
        async with self._database.writing() as connection:
            await append(connection, [EVERYTHING])

    async def prune(self, before: datetime) -> None:
        async with self._database.writing() as connection:
            await connection.execute(_PRUNE, before=before)

    async def close(self) -> None:
        await self._database.close()
