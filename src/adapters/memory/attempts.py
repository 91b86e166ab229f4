from datetime import datetime

from adapters.memory.tables import Table
from domain.model.attempts import Attempts


class MemoryAttemptRepository:
    """There is one writer at a time: whoever looks in a unit that writes holds the lock already."""

    def __init__(self, attempts: Table[Attempts]) -> None:
        self._attempts = attempts

    async def lock(self, account: str, device: str, *, now: datetime) -> Attempts:
        kept = self._attempts.writing.find((account, device))
        return kept if kept is not None and kept.failures else Attempts(account=account, device=device, last_at=now)

    async def save(self, attempts: Attempts) -> None:
        self._attempts.writing.put((attempts.account, attempts.device), attempts)

    async def forget(self, account: str, device: str | None = None) -> None:
        attempts = self._attempts.writing
        if device is None:
            attempts.remove_where("account", account)
        else:
            attempts.remove((account, device))

    async def prune(self, before: datetime) -> None:
        rows = self._attempts.writing
        for attempts in tuple(rows):
            if attempts.last_at < before and not _is_for_good(attempts):
                rows.remove((attempts.account, attempts.device))


def _is_for_good(attempts: Attempts) -> bool:
    return attempts.account.startswith("user:") and attempts.backoff.wait(attempts.failures) is None
