"""What Alembic runs for the service's own tables."""

from adapters.sql.migrations.running import run
from adapters.sql.tables import METADATA

run(METADATA)
