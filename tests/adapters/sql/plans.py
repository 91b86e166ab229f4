"""How SQLite means to run a statement."""

import sqlite3

from adapters.sql.sqlite_file import DIALECT
from adapters.sql.statements import Statement


def plan(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    text = str(statement.core.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True}))
    nothing = [None] * text.count("?")
    return [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}", nothing)]
