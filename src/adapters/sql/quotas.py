"""Inserting below a quota, in one statement: a count of its own would cost another round trip."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Table, bindparam, insert, select

from adapters.sql.statements import Statement


def insert_below(table: Table, count: Select[int], **derived: ColumnElement[Any]) -> Statement:
    """Inserts a row of *table*, and nothing where *count* is at least the parameter ``at_most``. Those columns are no
    parameters that are *derived*.
    """
    columns = list(table.columns)
    row = select(*(derived.get(column.name, bindparam(column.name, type_=column.type)) for column in columns))
    room = count.scalar_subquery() < bindparam("at_most", type_=Integer)
    return Statement(insert(table).from_select([column.name for column in columns], row.where(room)))
