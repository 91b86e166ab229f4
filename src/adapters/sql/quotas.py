"""Inserting below a quota, in one statement: a count of its own would cost another round trip."""

from sqlalchemy import Integer, Select, Table, bindparam, insert, select

from adapters.sql.statements import Statement


def insert_below(table: Table, count: Select[int]) -> Statement:
    """Inserts a row of *table*, and nothing where *count* is at least the parameter ``at_most``."""
    columns = list(table.columns)
    row = select(*(bindparam(column.name, type_=column.type) for column in columns))
    room = count.scalar_subquery() < bindparam("at_most", type_=Integer)
    return Statement(insert(table).from_select([column.name for column in columns], row.where(room)))
