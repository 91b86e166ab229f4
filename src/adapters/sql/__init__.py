"""Every port that needs a database, over SQLite and PostgreSQL.

    base          the base of all tables and the column types
    statements    SQLAlchemy Core compiled once and run on the driver's own connection
    sqlite, postgres   the two ways to run it; `database` is what they have in common
    a file per noun    row, statements, mapping, repository, top to bottom
    migrations    Alembic's, shipped with the package

Rows never leave this package. To add a table: a file for its noun, its repository in `unit_of_work`, a migration.
Imports domain, SQLAlchemy, advanced-alchemy and the two drivers, and nothing else of ours.
"""

from adapters.sql.access import SqlAccessDirectory
from adapters.sql.access_changes import SqlAccessChanges
from adapters.sql.database import Database, open_database
from adapters.sql.schema import SCHEMA, Branch, SchemaNotCurrent, migration_config, require_current
from adapters.sql.traced import TracedDatabase
from adapters.sql.unit_of_work import SqlUnitOfWorkFactory

__all__ = (
    "SCHEMA",
    "Branch",
    "Database",
    "SchemaNotCurrent",
    "SqlAccessChanges",
    "SqlAccessDirectory",
    "SqlUnitOfWorkFactory",
    "TracedDatabase",
    "migration_config",
    "open_database",
    "require_current",
)
