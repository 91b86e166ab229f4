from datetime import timedelta

from domain.model.attempts import FORGOTTEN_AFTER
from domain.model.webhooks import KEPT
from domain.ports.access import AccessChanges
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory

_KEPT_OVER = timedelta(days=1)
_FOLLOWED = timedelta(hours=1)
"""Any will do: it only decides how often a worker that stood still begins anew."""
_AT_ONCE = 500


class Housekeeping:
    """Sweeps out what has had its time."""

    def __init__(self, *, uow: UnitOfWorkFactory, changes: AccessChanges, clock: Clock) -> None:
        self._uow = uow
        self._changes = changes
        self._clock = clock

    async def sweep(self) -> bool:
        """Whether there is more to sweep out at once. Raises Unavailable."""
        now = self._clock.now()
        await self._changes.prune(now - _FOLLOWED)
        async with self._uow() as work:
            await work.attempts.prune(now - FORGOTTEN_AFTER)
            await work.one_time_tokens.prune(now - _KEPT_OVER)
            await work.authorizations.prune(now)
            swept = (
                await work.sessions.prune(now - _KEPT_OVER, _AT_ONCE),
                await work.idempotency.prune(now, _AT_ONCE),
                await work.idempotency.erase(now, _AT_ONCE),
                await work.webhooks.prune(now - KEPT, _AT_ONCE),
            )
        return _AT_ONCE in swept
