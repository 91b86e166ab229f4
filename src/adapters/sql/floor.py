"""Which code the schema still carries: while one version of the service replaces the other, both run over it."""

from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Row, code_points, table_of


class FloorRow(Row):
    """One row: the oldest `HEAD` whose code may run. A migration that takes something away raises it."""

    __tablename__ = "schema_floor"

    head: Mapped[str] = mapped_column(code_points(32), primary_key=True)


FLOOR = table_of(FloorRow)
