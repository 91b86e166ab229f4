"""A database that has a span made for each unit of work and each statement; it is put there only where somebody asks.

A span has the text of its statement and none of the values.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, NoReturn

from adapters.sql.connections import Connections
from adapters.sql.database import Database
from adapters.sql.statements import Connection, Reading, Rows, Statement, Values
from domain.errors import DomainError

Spans = Callable[[str], AbstractContextManager[Any]]
"""Begins a span of that name; within, attributes are set by ``set_attribute``. None where nobody follows."""


class TracedDatabase:
    def __init__(self, database: Database, spans: Spans) -> None:
        self._database = database
        self._spans = spans
        self.connections: Callable[[], Connections] = database.connections
        self.close = database.close

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        async with self._database.reading() as reading:
            yield _Reading(reading, self._spans)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        with self._spans("unit of work"):
            async with self._database.writing() as connection:
                yield _Connection(connection, self._spans)


class _Reading:
    def __init__(self, reading: Reading, spans: Spans) -> None:
        self._reading = reading
        self._spans = spans

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows:
        with self._spans(statement.verb) as span:
            rows = await self._reading.fetch(statement, **values)
            _tell(span, statement)
            return rows

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        with self._spans(statement.verb) as span:
            row = await self._reading.fetch_one(statement, **values)
            _tell(span, statement)
            return row


class _Connection(_Reading):
    def __init__(self, connection: Connection, spans: Spans) -> None:
        super().__init__(connection, spans)
        self._connection = connection

    async def execute(self, statement: Statement, /, **values: Any) -> int:
        with self._spans(statement.verb) as span:
            changed = await self._connection.execute(statement, **values)
            _tell(span, statement)
            return changed

    async def execute_many(self, statement: Statement, rows: Iterable[Values], /) -> None:
        with self._spans(statement.verb) as span:
            await self._connection.execute_many(statement, rows)
            _tell(span, statement)

    async def lock(self, statement: Statement, /, **values: Any) -> None:
        with self._spans(statement.verb) as span:
            await self._connection.lock(statement, **values)
            _tell(span, statement)

    def refuse(self, refusal: DomainError) -> NoReturn:
        self._connection.refuse(refusal)


def _tell(span: Any, statement: Statement) -> None:
    if span is not None and statement.shown is not None:
        span.set_attribute("db.query.text", statement.shown)
