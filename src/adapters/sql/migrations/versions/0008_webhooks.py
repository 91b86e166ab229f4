"""What signed webhooks brought, for a month.

Whatever of the service still runs at 0007 has no route that takes one.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WAITING = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("source", types.code_points(255), nullable=False),
        sa.Column("delivery_id", types.code_points(255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("event", types.code_points(255), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("status", types.code_points(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("handled_at", types.Instant(), nullable=True),
        sa.Column("last_error", sa.String(length=255), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("source", "delivery_id", name=op.f("uq_webhook_deliveries_delivery_id")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_webhook_deliveries_digest")),
    )
    op.create_index(op.f("ix_webhook_deliveries_created_at"), "webhook_deliveries", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_due_at",
        "webhook_deliveries",
        ["due_at", "id"],
        unique=False,
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )
    op.create_index("ix_webhook_deliveries_source", "webhook_deliveries", ["source", "created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_webhook_deliveries_source", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_due_at", table_name="webhook_deliveries")
    op.drop_index(op.f("ix_webhook_deliveries_created_at"), table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
