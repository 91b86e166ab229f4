"""How the schema came to be: Alembic's revisions, shipped with the package.

A new one: change the rows, then ``hexkey database make-migrations``, read what it wrote, and set `HEAD`.
Expand first, contract in a later release: two versions of the service run side by side while one replaces the other.
Code runs over a newer schema as long as `schema_floor` is not above its own `HEAD`: a migration that takes away what
older code needs raises it, ``op.execute(sa.update(floor).values(head=revision))``.
"""

from pathlib import Path

HEAD = "0010"
"""The revision that this code needs. Said here too, so that starting does not load Alembic to find it."""

FOLDER = Path(__file__).parent
VERSION_TABLE = "schema_versions"
