"""Members of bodies as the OpenAPI document describes them; the domain decides what they may be."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta, UnsetType

from domain.model import changes
from domain.model.changes import Unset

T = TypeVar("T")


def described(description: str, *examples: object, **schema: Any) -> Meta:
    """What the document says of a member. *schema* is JSON Schema; nothing here is enforced."""
    return Meta(extra_json_schema={"description": description, "examples": list(examples), **schema})


Name = Annotated[str, described("1 to 128 characters once trimmed.", "Warehouse", minLength=1, maxLength=128)]
Description = Annotated[str, described("Free text.", "What the robots call.", maxLength=1024)]


def given(value: T | UnsetType) -> T | Unset:
    """An absent member, in the domain's word for it."""
    return changes.UNSET if isinstance(value, UnsetType) else value
