"""Who signs in through others, and browsers on their way there.

Whatever of the service still runs at 0008 lets nobody sign in so, and ends their sessions as any other.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("user_id", types.Id(), nullable=False),
        sa.Column("provider", types.code_points(255), nullable=False),
        sa.Column("issuer", types.code_points(512), nullable=False),
        sa.Column("subject", types.code_points(255), nullable=False),
        sa.Column("email", types.code_points(255), nullable=True),
        sa.Column("given_name", types.code_points(255), nullable=True),
        sa.Column("family_name", types.code_points(255), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("last_used_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)
    op.create_table(
        "provider_sessions",
        sa.Column("session_id", types.Id(), nullable=False),
        sa.Column("provider", types.code_points(255), nullable=False),
        sa.Column("issuer", types.code_points(512), nullable=False),
        sa.Column("subject", types.code_points(255), nullable=False),
        sa.Column("session", types.code_points(255), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_provider_sessions_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_provider_sessions")),
    )
    op.create_index(op.f("ix_provider_sessions_subject"), "provider_sessions", ["subject"], unique=False)
    op.create_index(op.f("ix_provider_sessions_session"), "provider_sessions", ["session"], unique=False)
    op.create_table(
        "authorizations",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("provider", types.code_points(255), nullable=False),
        sa.Column("return_to", sa.String(length=1024), nullable=False),
        sa.Column("user_id", types.Id(), nullable=True),
        sa.Column("session_id", types.Id(), nullable=True),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_authorizations_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_authorizations")),
    )
    op.create_index(op.f("ix_authorizations_session_id"), "authorizations", ["session_id"], unique=False)
    op.create_index(op.f("ix_authorizations_expires_at"), "authorizations", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("authorizations")
    op.drop_table("provider_sessions")
    op.drop_table("identities")
