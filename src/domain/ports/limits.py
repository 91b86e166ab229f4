from typing import Protocol

from domain.model.limits import Admission, Policy


class RateLimiter(Protocol):
    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        """Count *cost* against every policy, or against none of them if one has less than that left.

        Policies that differ, be it in their counter alone, have windows of their own.
        A window begins with a subject's first hit that is counted and ends after the policy's seconds.
        Raises Invalid for a cost below 1, Unavailable while the store of the windows is away.
        """

    async def refund(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> None:
        """Take back a hit that was admitted, from the windows that still run; never below nothing.

        Raises Invalid for a cost below 1, Unavailable while the store of the windows is away.
        """
