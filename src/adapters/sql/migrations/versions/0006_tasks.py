"""Members and tasks of projects, and when a project was archived. Whoever has a project is its first member.

A trigger makes them so in what workers of an earlier revision go on making, and a later one drops it. Those workers see
no memberships, and write what is archived.
"""

import sqlalchemy as sa
from alembic import op

from adapters.sql import base as types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FOUNDER = (
    "INSERT INTO project_members (project_id, user_id, role, created_at, version, project_created_at)"
    " VALUES (NEW.id, NEW.owner_id, 'owner', NEW.created_at, 1, NEW.created_at)"
)


def upgrade() -> None:
    op.add_column("projects", sa.Column("archived_at", types.Instant(), nullable=True))
    op.create_table(
        "project_members",
        sa.Column("project_id", types.Id(), nullable=False),
        sa.Column("user_id", types.Id(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_created_at", types.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_members_project_id_projects"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_project_members_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_project_members")),
    )
    op.create_index(op.f("ix_project_members_user_id"), "project_members", ["user_id", "project_id"], unique=False)
    op.create_index(
        "ix_project_members_newest", "project_members", ["user_id", "project_created_at", "project_id"], unique=False
    )
    op.execute(
        "INSERT INTO project_members (project_id, user_id, role, created_at, version, project_created_at)"
        " SELECT id, owner_id, 'owner', created_at, 1, created_at FROM projects"
    )
    _create_trigger()
    op.create_table(
        "tasks",
        sa.Column("id", types.Id(), nullable=False),
        sa.Column("project_id", types.Id(), nullable=False),
        sa.Column("creator_id", types.Id(), nullable=False),
        sa.Column("assignee_id", types.Id(), nullable=True),
        sa.Column("title", types.code_points(256), nullable=False),
        sa.Column("description", types.code_points(1024), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("due_at", types.Instant(), nullable=True),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_folded", types.folded(256), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_tasks_project_id_projects"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name=op.f("fk_tasks_creator_id_users")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_tasks_assignee_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_project_id"), "tasks", ["project_id", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_tasks_assignee_id"), "tasks", ["assignee_id", "id"], unique=False)
    op.create_index(op.f("ix_tasks_creator_id"), "tasks", ["creator_id", "id"], unique=False)


def _create_trigger() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER projects_founder AFTER INSERT ON projects BEGIN {_FOUNDER}; END")
        return
    op.execute(
        "CREATE FUNCTION projects_founder() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {_FOUNDER}; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER projects_founder AFTER INSERT ON projects FOR EACH ROW EXECUTE FUNCTION projects_founder()"
    )


def _drop_trigger() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER projects_founder")
        return
    op.execute("DROP TRIGGER projects_founder ON projects")
    op.execute("DROP FUNCTION projects_founder")


def downgrade() -> None:
    """Whoever was a member sees the projects of others no more, and what was archived can be written."""
    _drop_trigger()
    op.drop_index(op.f("ix_tasks_creator_id"), table_name="tasks")
    op.drop_index(op.f("ix_tasks_assignee_id"), table_name="tasks")
    op.drop_index(op.f("ix_tasks_project_id"), table_name="tasks")
    op.drop_table("tasks")
    op.drop_index("ix_project_members_newest", table_name="project_members")
    op.drop_index(op.f("ix_project_members_user_id"), table_name="project_members")
    op.drop_table("project_members")
    op.drop_column("projects", "archived_at")
