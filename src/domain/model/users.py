"""Who may sign in."""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NewType

from domain.errors import Invalid
from domain.model.changes import UNSET, Unset, changed
from domain.model.ids import UserId
from domain.model.queries import Field, Fields, Flag, Instant, Text
from domain.model.texts import NAME_LIMIT, name_text

EmailAddress = NewType("EmailAddress", str)
Username = NewType("Username", str)

EMAIL_LIMIT = 254
USERNAME_LIMIT = 32
_NOWHERE = "address-taken.invalid"
"""Where nobody has an address, and nobody may say that they do. RFC 6761: no such domain will ever exist."""
_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@(?:[^\s@.\x00-\x1f\x7f-](?:[^\s@.\x00-\x1f\x7f]{0,62})\.)+[^\s@.\x00-\x1f\x7f]{2,63}"
)
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30}[a-z0-9])")


USER_FIELDS = Fields(
    Field("email", Text(EMAIL_LIMIT), sorts=True),
    Field("username", Text(USERNAME_LIMIT, folded=True), sorts=True, optional=True),
    Field("name", Text(NAME_LIMIT), sorts=True, optional=True),
    Field("is_active", Flag()),
    Field("created_at", Instant(), sorts=True),
    Field("updated_at", Instant()),
)


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
    plain = canonical(text)
    local, _, domain = plain.rpartition("@")
    host = _host(domain)
    email = f"{local}@{host}"
    if len(email) > EMAIL_LIMIT or not _EMAIL.fullmatch(email) or any(map(_is_invisible, plain)) or host == _NOWHERE:
        raise Invalid(field, "is not an e-mail address")
    return EmailAddress(email)


def _host(domain: str) -> str:
    """In letters, whichever of its spellings the DNS takes for the same name (RFC 3490); empty where it takes none."""
    try:
        return domain.encode("idna").decode("idna")
    except UnicodeError:
        return ""


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
    password_change_required: bool = False
    """Somebody else set the password."""
    is_active: bool = True
    email_verified_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def edit(
        self, *, name: str | Unset | None = UNSET, username: Username | Unset | None = UNSET, now: datetime
    ) -> "User":
        return replace(self, name=changed(name, self.name), username=changed(username, self.username), updated_at=now)

    def with_email(self, email: EmailAddress, *, verified_at: datetime | None, now: datetime) -> "User":
        return replace(self, email=email, email_verified_at=verified_at, updated_at=now)

    def without_email(self, *, now: datetime) -> "User":
        """An address counts once it is verified: somebody else has verified this one."""
        nowhere = EmailAddress(f"{self.id}@{_NOWHERE}")
        return replace(self, email=nowhere, email_verified_at=None, updated_at=now)

    def with_password(self, password_hash: str, *, by_somebody_else: bool = False, now: datetime) -> "User":
        return replace(self, password_hash=password_hash, password_change_required=by_somebody_else, updated_at=now)

    def activated(self, is_active: bool, *, now: datetime) -> "User":
        return replace(self, is_active=is_active, updated_at=now)

    def difference(self, after: "User") -> dict[str, object]:
        """What *after* changed, as ``{member: {"before": …, "after": …}}``; of a password only that it was."""
        members = ("email", "username", "name", "is_active")
        pairs = {member: (getattr(self, member), getattr(after, member)) for member in members}
        return {member: {"before": old, "after": new} for member, (old, new) in pairs.items() if old != new}

    def rehashed(self, password_hash: str, *, now: datetime) -> "User":
        """The same password under today's parameters."""
        return replace(self, password_hash=password_hash, updated_at=now)
