"""Who may sign in."""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NewType

from domain.errors import Invalid
from domain.model.ids import UserId
from domain.model.texts import name_text

EmailAddress = NewType("EmailAddress", str)
Username = NewType("Username", str)

EMAIL_LIMIT = 254
USERNAME_LIMIT = 32
_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@(?:[^\s@.\x00-\x1f\x7f-](?:[^\s@.\x00-\x1f\x7f]{0,62})\.)+[^\s@.\x00-\x1f\x7f]{2,63}"
)
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30}[a-z0-9])")


def canonical(raw: str) -> str:
    """The form in which two spellings of a name are the same. Callers cap *raw* first: NFKC is quadratic."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).casefold())


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def email_address(raw: str, field: str = "email") -> EmailAddress:
    """The canonical form of *raw*. Raises Invalid."""
    text = raw.strip()
    if len(text) > EMAIL_LIMIT:
        raise Invalid(field, f"has at most {EMAIL_LIMIT} characters")
    email = canonical(text)
    if len(email) > EMAIL_LIMIT or not _EMAIL.fullmatch(email) or any(map(_is_invisible, email)):
        raise Invalid(field, "is not an e-mail address")
    return EmailAddress(email)


def username(raw: str, field: str = "username") -> Username:
    """The canonical form of *raw*. Raises Invalid."""
    if len(raw) > USERNAME_LIMIT or not _USERNAME.fullmatch(name := canonical(raw)):
        raise Invalid(field, "has 3 to 32 of a-z, 0-9, '.', '_', '-', and begins and ends with a letter or digit")
    return Username(name)


def display_name(raw: str, field: str = "name") -> str:
    """*raw* without control, format and bidirectional characters, trimmed, 1-128 code points. Raises Invalid."""
    if len(raw) > 4 * 128:
        raise Invalid(field, "has 1 to 128 characters")
    visible = "".join(character for character in raw if not _is_invisible(character))
    return name_text(visible, field)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """*password_hash* is None for someone who signs in by other means only."""

    id: UserId
    email: EmailAddress
    username: Username | None = None
    name: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    is_active: bool = True
    email_verified_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def rehashed(self, password_hash: str, *, now: datetime) -> "User":
        """The same password under today's parameters."""
        return replace(self, password_hash=password_hash, updated_at=now)
