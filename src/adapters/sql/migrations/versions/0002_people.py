"""Who signs in, who is asked to join, who acts as whom: attempts, one-time tokens, invitations, mails; and where their
events are found.

Whatever of the service still runs at 0001 goes on adding users and sessions: each new column of theirs has a default.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")
_ACTING = sa.text("real_user_id IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("password_change_required", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column(
        "sessions",
        sa.Column("real_user_id", types.Id(), sa.ForeignKey("users.id"), nullable=True),
        inline_references=True,  # SQLite takes a reference with its column or not at all
    )
    op.add_column("sessions", sa.Column("digest", sa.LargeBinary(length=32), nullable=True))
    op.create_index(
        "ix_sessions_not_ended", "sessions", ["user_id", "ends_at"], postgresql_where=_OPEN, sqlite_where=_OPEN
    )
    op.create_index("ix_sessions_acting", "sessions", ["real_user_id"], postgresql_where=_ACTING, sqlite_where=_ACTING)
    op.create_index(op.f("ix_sessions_ends_at"), "sessions", ["ends_at"], unique=False)
    op.add_column("events", sa.Column("real_user_id", types.Id(), nullable=True))
    op.drop_index(op.f("ix_events_subject"), table_name="events")
    op.drop_index(op.f("ix_events_user_id"), table_name="events")
    op.create_index(op.f("ix_events_subject"), "events", ["subject", "id"], unique=False)
    op.create_index(op.f("ix_events_user_id"), "events", ["user_id", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("device", sa.String(length=128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", "device", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_last_at"), "attempts", ["last_at"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("email", types.code_points(254), nullable=False),
        sa.Column("role_ids", types.Json, nullable=False),
        sa.Column("invited_by", types.Id(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("email", name=op.f("uq_invitations_email")),
    )
    op.create_table(
        "mails",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("address", types.code_points(254), nullable=False),
        *_whose("mails"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index(op.f("ix_mails_due_at"), "mails", ["due_at", "id"], unique=False)
    op.create_index(op.f("ix_mails_invitation_id"), "mails", ["invitation_id"], unique=False)
    op.create_index(op.f("ix_mails_user_id"), "mails", ["user_id"], unique=False)
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("email", types.code_points(254), nullable=False),
        *_whose("one_time_tokens"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("invitation_id", "purpose", name=op.f("uq_one_time_tokens_invitation_id")),
        sa.UniqueConstraint("user_id", "purpose", name=op.f("uq_one_time_tokens_user_id")),
    )
    op.create_index(op.f("ix_one_time_tokens_expires_at"), "one_time_tokens", ["expires_at"], unique=False)


def _whose(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("user_id", types.Id(), nullable=True),
        sa.Column("invitation_id", types.Id(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f(f"fk_{table}_invitation_id_invitations"),
            ondelete="CASCADE",
        ),
    ]


def downgrade() -> None:
    """Who acts as somebody else is signed out: without its column their session would be the other's own."""
    # First the tokens: in a migration SQLite cascades nothing.
    op.execute(
        "DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE real_user_id IS NOT NULL)"
    )
    op.execute("DELETE FROM sessions WHERE real_user_id IS NOT NULL")
    op.drop_index(op.f("ix_one_time_tokens_expires_at"), table_name="one_time_tokens")
    op.drop_table("one_time_tokens")
    op.drop_index(op.f("ix_mails_user_id"), table_name="mails")
    op.drop_index(op.f("ix_mails_invitation_id"), table_name="mails")
    op.drop_index(op.f("ix_mails_due_at"), table_name="mails")
    op.drop_table("mails")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_attempts_last_at"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("ix_events_user_id"), table_name="events")
    op.drop_index(op.f("ix_events_subject"), table_name="events")
    op.create_index(op.f("ix_events_user_id"), "events", ["user_id"], unique=False)
    op.create_index(op.f("ix_events_subject"), "events", ["subject"], unique=False)
    op.drop_column("events", "real_user_id")
    op.drop_index(op.f("ix_sessions_ends_at"), table_name="sessions")
    op.drop_index("ix_sessions_acting", table_name="sessions")
    op.drop_index("ix_sessions_not_ended", table_name="sessions")
    op.drop_column("sessions", "digest")
    op.drop_column("sessions", "real_user_id")
    op.drop_column("users", "password_change_required")
