"""What is taken over of a person from what the provider says of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_LONGEST_ADDRESS: Final = 254
_LONGEST_NAME: Final = 255
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None

    def or_else(self, other: "Profile") -> "Profile":
        """What is missing here, from there; an address comes with its own word on whether it is verified."""
        addressed = self if self.email else other
        return Profile(
            email=addressed.email,
            email_verified=addressed.email_verified,
            name=self.name or other.name,
            given_name=self.given_name or other.given_name,
            family_name=self.family_name or other.family_name,
        )


def profile(said: Mapping[str, Any]) -> Profile:
    """Whatever is not a text of sane length counts as not said. Some providers say ``"true"`` for true."""
    email, verified = _text(said.get("email"), _LONGEST_ADDRESS), said.get("email_verified")
    return Profile(
        email=email,
        email_verified=email is not None and (verified is True or verified == "true"),
        name=_text(said.get("name"), _LONGEST_NAME),
        given_name=_text(said.get("given_name"), _LONGEST_NAME),
        family_name=_text(said.get("family_name"), _LONGEST_NAME),
    )


def _text(value: object, longest: int) -> str | None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest or _NOT_TEXT.search(value):
        return None
    return value
