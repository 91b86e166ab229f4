from adapters.sql.migrations.running import run
from examples.employees.sql import METADATA

run(METADATA)
