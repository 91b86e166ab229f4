"""How the schema came to be: Alembic's revisions, shipped with the package.

A new one: change the rows, then ``hexkey database make-migrations``, read what it wrote, and set `HEAD`.
Expand first, contract in a later release: two versions of the service run side by side while one replaces the other.
"""

from pathlib import Path

HEAD = "0009"
"""The revision that this code needs. Said here too, so that starting does not load Alembic to find it."""

FOLDER = Path(__file__).parent
VERSION_TABLE = "schema_versions"
