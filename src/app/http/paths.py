"""Ids in paths: a UUID as we write it, or there is nothing here."""

from typing import Annotated
from uuid import UUID

from litestar.params import PathParameter

from domain.errors import NotFound
from domain.model.ids import uuid_of

PathId = Annotated[str, PathParameter(schema_extra={"format": "uuid"})]


def path_id(raw: str) -> UUID:
    """Raises NotFound for what is no id, such as one in capitals or braces: no such thing can exist."""
    if (found := uuid_of(raw)) is None:
        raise NotFound
    return found
