"""Employees."""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "employees",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("emp_id", sa.Integer(), nullable=False),
        sa.Column("emp_name", types.code_points(128), nullable=False),
        sa.Column("city", types.code_points(128), nullable=False),
        sa.Column("country", types.code_points(128), nullable=False),
        sa.Column("emp_dob", sa.Date(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("emp_name_folded", types.folded(128), nullable=False),
        sa.Column("city_folded", types.folded(128), nullable=False),
        sa.Column("country_folded", types.folded(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_employees"),
        sa.UniqueConstraint("emp_id", name="uq_employees_emp_id"),
    )


def downgrade() -> None:
    op.drop_table("employees")
