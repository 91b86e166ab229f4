"""What free text must be before it is kept."""

import unicodedata

from domain.errors import Invalid

NAME_LIMIT = 128
TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 1024
_INVISIBLE = frozenset({"Cc", "Cs"})


def name_text(raw: str, field: str = "name") -> str:
    """*raw* trimmed: 1-128 code points, no control characters. Raises Invalid."""
    return _line(raw, field, NAME_LIMIT)


def title_text(raw: str, field: str = "title") -> str:
    """As `name_text`, of 1-256 code points."""
    return _line(raw, field, TITLE_LIMIT)


def _line(raw: str, field: str, limit: int) -> str:
    text = raw.strip()
    if not 1 <= len(text) <= limit:
        raise Invalid(field, f"has 1 to {limit} characters")
    if any(unicodedata.category(character) in _INVISIBLE for character in text):
        raise Invalid(field, "has no control characters")
    return text


def description_text(raw: str | None, field: str = "description") -> str | None:
    """At most 1,024 code points; NUL and lone surrogates are refused, line breaks are not. Raises Invalid."""
    if raw is None:
        return None
    if len(raw) > DESCRIPTION_LIMIT:
        raise Invalid(field, f"has at most {DESCRIPTION_LIMIT} characters")
    if any(character == "\0" or unicodedata.category(character) == "Cs" for character in raw):
        raise Invalid(field, "has no NUL and no lone surrogate")
    return raw
