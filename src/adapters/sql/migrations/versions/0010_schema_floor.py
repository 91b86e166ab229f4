"""Says from now on which code the schema still carries. Whatever still runs at 0009 finds all that it knows."""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    floor = op.create_table(
        "schema_floor",
        sa.Column("head", types.code_points(32), nullable=False),
        sa.PrimaryKeyConstraint("head", name=op.f("pk_schema_floor")),
    )
    op.bulk_insert(floor, [{"head": revision}])


def downgrade() -> None:
    op.drop_table("schema_floor")
