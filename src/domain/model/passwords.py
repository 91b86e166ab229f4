"""Which passwords are accepted (NIST SP 800-63B-4): long ones, and nothing else is asked."""

import unicodedata
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NewType

from domain.errors import Invalid

Password = NewType("Password", str)
"""Normalised and capped: what the hasher takes. Never logged, never kept."""

LENGTH_LIMIT = 128
BYTES_LIMIT = 512
_SMALLEST_RUN = 4
_SERVICE = "hexkey"
_DECORATION = "".join(chr(code) for code in range(0x20, 0x7F) if not chr(code).isalpha())


def normalised(raw: str, field: str = "password") -> Password:
    """NFKC of *raw*, never trimmed or cut. Raises Invalid for what no policy could accept."""
    if len(raw) > LENGTH_LIMIT or len(raw.encode("utf-8", "surrogatepass")) > BYTES_LIMIT:
        raise Invalid(field, f"has at most {LENGTH_LIMIT} characters and {BYTES_LIMIT} bytes")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in raw):
        raise Invalid(field, "has no control characters")
    return Password(unicodedata.normalize("NFKC", raw))


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """*common* are the passwords that many people have, after NFKC and case folding."""

    min_length: int = 15
    common: Container[str] = _NONE

    def accept(self, raw: str, *, about: Iterable[str | None] = (), field: str = "password") -> Password:
        """*raw*, fit to be a new password of somebody known as *about*. Raises Invalid with the reason."""
        password = normalised(raw, field)
        if len(raw) < self.min_length:
            raise Invalid(field, f"has at least {self.min_length} characters")
        if self._is_common(password):
            raise Invalid(field, "is not one that many people have")
        if _repeats(password) or _counts(password):
            raise Invalid(field, "does not repeat or count")
        if any(word and _made_of(password, word) for word in about):
            raise Invalid(field, "is not made of your own name or address")
        return password

    def _is_common(self, password: Password) -> bool:
        folded = password.casefold()
        return any(text in self.common for text in _undecorated(folded)) or _made_of(folded, _SERVICE)


def _undecorated(folded: str) -> Iterator[str]:
    """*folded*, and what it may have been before digits, signs or our own name were added to please a rule."""
    for text in {folded, folded.lstrip(_DECORATION), folded.replace(_SERVICE, "").lstrip(_DECORATION)}:
        bare = len(text.rstrip(_DECORATION))
        yield from (text[:end] for end in range(max(bare, 1), len(text) + 1))


def _repeats(password: str) -> bool:
    """Whether a short piece, said again and again, gives the whole."""
    return any(
        password == (password[:size] * (len(password) // size + 1))[: len(password)]
        for size in range(1, len(password) // 3 + 1)
    )


def _counts(password: str) -> bool:
    """Whether each character follows the one before by the same step of one, as in ``abcdef`` or ``987654``."""
    steps = {(ord(b) - ord(a)) for a, b in pairwise(password)}
    wrapped = steps - {-9, 9}
    return len(password) > 1 and len(wrapped) == 1 and wrapped <= {1, -1}


def _made_of(password: str, word: str) -> bool:
    """Whether little is left of the password once *word*, or the part of it before the ``@``, is taken out."""
    folded = password.casefold()
    return any(_is_most_of(folded, piece) for piece in {word.casefold(), word.casefold().partition("@")[0]})


def _is_most_of(folded: str, piece: str) -> bool:
    """Digits and signs around *piece* count for nothing, unless it has nothing else itself."""
    if len(piece) < _SMALLEST_RUN or piece not in folded:
        return False
    left = folded.replace(piece, "")
    return len(left.strip(_DECORATION) if piece.strip(_DECORATION) else left) < _SMALLEST_RUN
