"""Members of bodies as the OpenAPI document describes them; the domain decides what they may be."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta, UnsetType

from domain.model import changes
from domain.model.changes import Unset

T = TypeVar("T")


def described(description: str, *examples: object, **schema: Any) -> Meta:
    """What the document says of a member. *schema* is JSON Schema; nothing here is enforced."""
    return Meta(extra_json_schema={"description": description, "examples": list(examples), **schema})


_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_SPACE = r"[\s\x1c-\x1f]*"
_TRIMMED = rf"^{_SPACE}[^\s{_CONTROLS}]([^{_CONTROLS}]*[^\s{_CONTROLS}])?{_SPACE}$"


def one_line(most: int, example: str) -> Meta:
    """A name, which is trimmed and has no control characters."""
    told = f"1 to {most} characters once trimmed, none of them a control character."
    return described(told, example, minLength=1, maxLength=most, pattern=_TRIMMED)


Name = Annotated[str, one_line(128, "Warehouse")]
Title = Annotated[str, one_line(256, "Count the shelves")]
DisplayName = Annotated[
    str,
    described("1 to 128 characters once trimmed; control characters are taken out.", "Ada", minLength=1, maxLength=128),
]
Email = Annotated[str, described("An e-mail address.", "ada@example.org", maxLength=254, format="email")]
Username = Annotated[
    str,
    described(
        "3 to 32 of a-z, 0-9, '.', '_' and '-', a letter or digit at either end, whatever its case or width.",
        "ada",
        minLength=3,
        maxLength=32,
    ),
]
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
