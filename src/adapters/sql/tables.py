"""Every row class, imported, so that the metadata knows every table."""

from adapters.sql import access, events, projects
from adapters.sql.base import Row

MODULES = (access, events, projects)
METADATA = Row.metadata
