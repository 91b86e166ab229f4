"""What was answered under an Idempotency-Key, for a day.

Whatever of the service still runs at 0004 ignores such keys, and does twice what is asked for twice.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SEALED = sa.text("sealed IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "idempotency_records",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("claim_id", types.Id(), nullable=False),
        sa.Column("claimed_until", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("shown_until", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotency_records")),
    )
    op.create_index(
        op.f("ix_idempotency_records_expires_at"), "idempotency_records", ["expires_at", "digest"], unique=False
    )
    op.create_index(
        "ix_idempotency_records_sealed",
        "idempotency_records",
        ["shown_until", "digest"],
        unique=False,
        postgresql_where=_SEALED,
        sqlite_where=_SEALED,
    )


def downgrade() -> None:
    op.drop_index("ix_idempotency_records_sealed", table_name="idempotency_records")
    op.drop_index(op.f("ix_idempotency_records_expires_at"), table_name="idempotency_records")
    op.drop_table("idempotency_records")
