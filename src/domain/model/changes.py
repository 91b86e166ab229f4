"""What a caller asks to change: a member that is absent stays as it is, one that is ``None`` is cleared."""

from collections.abc import Collection
from enum import Enum
from typing import Final, Literal, TypeVar

from domain.errors import PreconditionFailed

T = TypeVar("T")


class Unset(Enum):
    UNSET = "unset"


UNSET: Final[Literal[Unset.UNSET]] = Unset.UNSET


def changed(value: T | Unset, present: T) -> T:
    """*value* if it was given, else what is there at *present*."""
    return present if isinstance(value, Unset) else value


def require_version(version: int, expected: Collection[int] | None) -> None:
    """Raises PreconditionFailed unless *version* is among those the caller has read; None has no opinion."""
    if expected is not None and version not in expected:
        raise PreconditionFailed
