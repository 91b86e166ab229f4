"""Ids in paths: a UUID as we write it, or there is nothing here."""

import re
from typing import Annotated
from uuid import UUID

from litestar.params import PathParameter

from domain.errors import NotFound

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PathId = Annotated[str, PathParameter(schema_extra={"format": "uuid"})]


def path_id(raw: str) -> UUID:
    """Raises NotFound for what is no id, such as one in capitals or braces: no such thing can exist."""
    if _UUID.fullmatch(raw) is None:
        raise NotFound
    return UUID(raw)
