from dataclasses import dataclass, field
from enum import StrEnum


class Scheme(StrEnum):
    """How another service kept its keys: by a slow hash of the secret, or by a digest of the whole text."""

    KEYSHIELD_ARGON2 = "keyshield-argon2"
    KEYSHIELD_BCRYPT = "keyshield-bcrypt"
    SHA256 = "sha256"
    SHA512 = "sha512"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDigest:
    """What another service kept of a key. *foreign_id* and *pepper* are keyshield's."""

    scheme: Scheme
    digest: str = field(repr=False)
    foreign_id: str | None = None
    pepper: str | None = field(default=None, repr=False)
