"""Scopes that somebody has defined, and which keys hold them.

Whatever of the service still runs at 0002 makes no key that holds one: it refuses what it does not know.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scopes",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("name", types.code_points(64), nullable=False),
        sa.Column("permissions", types.Json, nullable=False),
        sa.Column("description", types.code_points(1024), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scopes")),
        sa.UniqueConstraint("name", name=op.f("uq_scopes_name")),
    )
    op.create_table(
        "api_key_scopes",
        sa.Column("key_id", types.Id(), nullable=False),
        sa.Column("name", types.code_points(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_scopes_key_id_api_keys"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "name", name=op.f("pk_api_key_scopes")),
    )
    op.create_index(op.f("ix_api_key_scopes_name"), "api_key_scopes", ["name"], unique=False)


def downgrade() -> None:
    """A key keeps the names of its scopes; without the scopes they allow nothing."""
    op.drop_index(op.f("ix_api_key_scopes_name"), table_name="api_key_scopes")
    op.drop_table("api_key_scopes")
    op.drop_table("scopes")
