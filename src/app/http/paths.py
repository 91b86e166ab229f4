"""Ids in paths and queries: a UUID as we write it, or there is nothing here."""

import re
from typing import Annotated
from uuid import UUID

from litestar.params import PathParameter

from domain.errors import NotFound

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PathId = Annotated[str, PathParameter(schema_extra={"format": "uuid"})]


def path_id(raw: str) -> UUID:
    """Raises NotFound for what is no id, such as one in capitals or braces: no such thing can exist."""
    if (found := uuid_of(raw)) is None:
        raise NotFound
    return found


def uuid_of(raw: str) -> UUID | None:
    """*raw* as we write ids; Python's own parser takes braces, capitals and foreign digits."""
    return UUID(raw) if _UUID.fullmatch(raw) else None
