import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from domain.errors import Invalid
from domain.model.durations import duration
from domain.model.ids import ProjectId

PROJECTS_MAX = 64
METADATA_BYTES = 4096
GRACE_MAX = timedelta(days=30)


def metadata(raw: Mapping[str, object] | None, field: str = "metadata") -> Mapping[str, object]:
    """A JSON object of at most 4 KiB. Raises Invalid."""
    if raw is None:
        return {}
    try:
        size = len(json.dumps(raw, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (TypeError, ValueError, RecursionError):
        raise Invalid(field, "is a JSON object") from None
    if size > METADATA_BYTES:
        raise Invalid(field, f"has at most {METADATA_BYTES} bytes of JSON")
    return raw


def project_ids(raw: Iterable[ProjectId], field: str = "project_ids") -> frozenset[ProjectId]:
    """Raises Invalid."""
    given = frozenset(raw)
    if len(given) > PROJECTS_MAX:
        raise Invalid(field, f"has at most {PROJECTS_MAX} projects")
    return given


def grace_period(raw: str, field: str = "grace") -> timedelta:
    """How long a secret outlives its rotation: up to 30 days. Raises Invalid."""
    if (span := duration(raw, field)) > GRACE_MAX:
        raise Invalid(field, f"is at most {GRACE_MAX.days} days")
    return span


def expiry(
    *, at: datetime | None, after: timedelta | None, now: datetime, longest: timedelta | None
) -> datetime | None:
    """When a key made *now* ends; None is never. *longest* is the operator's cap. Raises Invalid."""
    if at is not None and after is not None:
        raise Invalid("expires_in", "is given instead of expires_at, not beside it")
    ends = _instant(at) if after is None else _later(now, after)
    if ends is not None and ends <= now:
        raise Invalid("expires_at" if after is None else "expires_in", "is in the future")
    if longest is None:
        return ends
    if ends is not None and ends > now + longest:
        raise Invalid("expires_at" if after is None else "expires_in", f"is at most {longest.days} days from now")
    return ends or now + longest


def _instant(at: datetime | None) -> datetime | None:
    """*at* in UTC, as every other time is told; at the ends of the calendar that may be no time at all."""
    try:
        return None if at is None else at.astimezone(UTC)
    except OverflowError:
        raise Invalid("expires_at", "lies between the years 1 and 9999 in UTC") from None


def _later(now: datetime, after: timedelta) -> datetime:
    try:
        return now + after
    except OverflowError:
        raise Invalid("expires_in", "ends before the year 10000") from None
