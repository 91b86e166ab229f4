"""Ports that say how often they were called, round any adapter; they are put there only where somebody asks."""

from collections.abc import Coroutine
from typing import Any

from domain.model.access import KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId
from domain.model.limits import Admission, Policy
from domain.ports.access import AccessDirectory
from domain.ports.limits import RateLimiter


class CountedDirectory:
    def __init__(self, directory: AccessDirectory) -> None:
        self._directory = directory
        self.is_current = directory.is_current
        self.lookups = 0

    def find_key(self, key_id: KeyId) -> Coroutine[Any, Any, KeyGrant | None]:
        self.lookups += 1
        return self._directory.find_key(key_id)

    def find_session(self, session_id: SessionId) -> Coroutine[Any, Any, SessionGrant | None]:
        self.lookups += 1
        return self._directory.find_session(session_id)


class CountedLimiter:
    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.refund = limiter.refund
        self.admitted = self.refused = 0

    async def hit(self, subject: str, policies: tuple[Policy, ...], *, cost: int = 1) -> Admission:
        """Raises Invalid for a cost below 1, Unavailable."""
        admission = await self._limiter.hit(subject, policies, cost=cost)
        if admission.admitted:
            self.admitted += 1
        else:
            self.refused += 1
        return admission
