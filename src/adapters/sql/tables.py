"""Every row class, imported, so that the metadata knows every table."""

from adapters.sql import access, attempts, events, invitations, mails, one_time_tokens, projects
from adapters.sql.base import Row

MODULES = (access, attempts, events, invitations, mails, one_time_tokens, projects)
METADATA = Row.metadata
