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
Title = Annotated[str, described("1 to 256 characters once trimmed.", "Count the shelves", minLength=1, maxLength=256)]
Email = Annotated[str, described("An e-mail address.", "ada@example.org", maxLength=254)]
Username = Annotated[str, described("3 to 32 of a-z, 0-9, '.', '_' and '-'.", "ada", minLength=3, maxLength=32)]
NewPassword = Annotated[
    str, described("15 to 128 characters; any will do.", "correct horse battery staple", minLength=15, maxLength=128)
]
Password = Annotated[str, described("A password.", maxLength=128)]
MailedToken = Annotated[str, described("What the mailed link carries.", maxLength=256)]
Login = Annotated[str, described("An e-mail address or a user name.", "ada@example.org", maxLength=254)]
Description = Annotated[str, described("Free text.", "What the robots call.", maxLength=1024)]


def given(value: T | UnsetType) -> T | Unset:
    """An absent member, in the domain's word for it."""
    return changes.UNSET if isinstance(value, UnsetType) else value
