from dataclasses import dataclass, field
from datetime import datetime

from domain.model.keys.key import Key, KeyStatus


@dataclass(frozen=True, slots=True)
class KeyCard:
    """A key as its owner sees it now; *prefix* is how its secret begins."""

    key: Key
    status: KeyStatus
    prefix: str


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its secret, which exists in this one answer and is kept nowhere."""

    card: KeyCard
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """After *effective_at* no worker decides by what the key was before."""

    card: KeyCard
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A key with its new secret; after *effective_at* every worker takes it, and the end of the one before."""

    card: KeyCard
    secret: str = field(repr=False)
    effective_at: datetime
