"""Spans of time as people write them: ``90d``, ``24h``, ``10s``, ``500ms``."""

import re
from datetime import timedelta

from domain.errors import Invalid

_DURATION = re.compile(r"(0)s|([1-9][0-9]{0,8})(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def duration(raw: str, field: str) -> timedelta:
    """Raises Invalid unless *raw* is ``0s`` or a whole number up to nine digits with ms, s, m, h or d."""
    if (match := _DURATION.fullmatch(raw)) is None:
        raise Invalid(field, "is a duration such as 90d, 24h, 30m, 10s or 500ms")
    zero, count, unit = match.groups()
    return timedelta(0) if zero else int(count) * _UNITS[unit]
