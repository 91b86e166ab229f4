"""What a door tells beside the answer: what is left of a limit, and when a secret ends that has been rotated."""

from email.utils import format_datetime
from functools import lru_cache
from math import ceil
from typing import Any

from domain.errors import QuotaExceeded
from domain.model.actors import Retirement
from domain.model.limits import Admission, Policy


def counted(state: dict[str, Any], admission: Admission) -> None:
    """Tell the caller what is left. Raises QuotaExceeded."""
    if not admission.allowances:
        return
    allowances = admission.allowances
    left = b", ".join([b"%b;r=%d;t=%d" % (_name(policy), rest, ceil(ends_in)) for policy, rest, ends_in in allowances])
    policies = _policies(tuple([policy for policy, _, _ in allowances]))
    state["headers"] = (*state.get("headers", ()), (b"ratelimit-policy", policies), (b"ratelimit", left))
    if not admission.admitted:
        raise QuotaExceeded(admission.retry_after())


@lru_cache(256)
def retiring(retirement: Retirement) -> tuple[tuple[bytes, bytes], ...]:
    """RFC 9745 and RFC 8594: since when there is a newer secret, and when this one ends."""
    sunset = format_datetime(retirement.until, usegmt=True)
    return ((b"deprecation", b"@%d" % int(retirement.since.timestamp())), (b"sunset", sunset.encode()))


@lru_cache(256)
def _policies(policies: tuple[Policy, ...]) -> bytes:
    return b", ".join(b"%b;q=%d;w=%d" % (_name(policy), policy.quota, policy.window) for policy in policies)


@lru_cache(256)
def _name(policy: Policy) -> bytes:
    return (f'"{policy.counter} {policy}"' if policy.counter else f'"{policy}"').encode()
