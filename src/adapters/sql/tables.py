"""Every row class, imported, so that the metadata knows every table."""

from adapters.sql import (
    access,
    attempts,
    authorizations,
    events,
    floor,
    idempotency,
    identities,
    invitations,
    mails,
    one_time_tokens,
    projects,
    scopes,
    tasks,
    webhooks,
)
from adapters.sql.base import Row

MODULES = (
    access,
    attempts,
    authorizations,
    events,
    floor,
    idempotency,
    identities,
    invitations,
    mails,
    one_time_tokens,
    projects,
    scopes,
    tasks,
    webhooks,
)

METADATA = Row.metadata
