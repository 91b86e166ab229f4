"""The trail of what changed access; it begins with a change of everything, and is never empty."""

from datetime import UTC, datetime
from secrets import randbits

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    changes = op.create_table(
        "access_changes",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_changes_at"), "access_changes", ["at"], unique=False)
    op.bulk_insert(changes, [{"mark": randbits(63), "subject": "*", "at": datetime.now(UTC)}])


def downgrade() -> None:
    op.drop_index(op.f("ix_access_changes_at"), table_name="access_changes")
    op.drop_table("access_changes")
