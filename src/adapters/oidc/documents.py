"""JSON of somebody who is not trusted."""

import json
from typing import Any, NoReturn, TypeVar

import msgspec

_T = TypeVar("_T")


def members(raw: bytes) -> dict[str, Any]:
    """Raises ValueError unless *raw* is one JSON object in UTF-8, in which no member is repeated at any depth."""
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return found


def convert(found: dict[str, Any], kind: type[_T]) -> _T:
    """Raises ValueError where a member of *kind* is missing or of another type."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON leaves open which of two members counts, and so two readers may differ."""
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("a member is repeated")
    return unique


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
