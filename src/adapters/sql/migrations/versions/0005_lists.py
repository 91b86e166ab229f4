"""What lists are searched and continued by: texts as `str.casefold` has them, and rows in the order of their making.

A text that whatever of the service still runs at 0004 writes is not found by ``contains`` until it is next saved.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FOLDED = (
    ("projects", "name", 128),
    ("api_keys", "name", 128),
    ("roles", "name", 128),
    ("users", "email", 254),
    ("users", "name", 128),
    ("invitations", "email", 254),
)
MAY_BE_MISSING = ("users", "name")
LISTED = ("projects", "api_keys", "roles", "users", "invitations")
BATCH = 1000


def upgrade() -> None:
    for table, text, longest in FOLDED:
        missing = {"nullable": True} if (table, text) == MAY_BE_MISSING else {"nullable": False, "server_default": ""}
        op.add_column(table, sa.Column(f"{text}_folded", types.folded(longest), **missing))
        if not op.get_context().as_sql:
            _fold(table, text)
    for table in LISTED:
        op.create_index(op.f(f"ix_{table}_created_at"), table, ["created_at", "id"], unique=False)


def downgrade() -> None:
    for table in reversed(LISTED):
        op.drop_index(op.f(f"ix_{table}_created_at"), table_name=table)
    for table, text, _ in reversed(FOLDED):
        op.drop_column(table, f"{text}_folded")


def _fold(table: str, text: str) -> None:
    """A batch at a time, by id: no database folds as Python does, and not every memory holds every name."""
    rows = sa.table(table, sa.column("id", types.Id()), sa.column(text, sa.String()), sa.column(f"{text}_folded"))
    kept = rows.c[text]
    batch = sa.select(rows.c.id, kept).where(kept.is_not(None)).order_by(rows.c.id).limit(BATCH)
    change = (
        sa.update(rows).where(rows.c.id == sa.bindparam("of_id")).values({f"{text}_folded": sa.bindparam("folded")})
    )
    connection, done = op.get_bind(), sa.true()
    while found := connection.execute(batch.where(done)).all():
        connection.execute(change, [{"of_id": id_, "folded": value.casefold()} for id_, value in found])
        done = rows.c.id > found[-1].id
