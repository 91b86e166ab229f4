from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, bindparam, delete, func, not_
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Instant, Row, table_of
from adapters.sql.statements import Connection, Statement
from domain.model.attempts import STRANGER, UNKNOWN_DEVICE, Attempts


class AttemptsRow(Row):
    """No foreign key: most accounts are nobody's. One without failures means nothing, and is as good as none."""

    __tablename__ = "attempts"

    account: Mapped[str] = mapped_column(String(128), primary_key=True)
    device: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)


_ATTEMPTS = table_of(AttemptsRow)
_KEY = [_ATTEMPTS.c.account, _ATTEMPTS.c.device]
_ADD = insert(_ATTEMPTS)
_OF_ACCOUNT = _ATTEMPTS.c.account == bindparam("account")
_ON_DEVICE = _ATTEMPTS.c.device == bindparam("device")
_FOR_GOOD = and_(
    func.substr(_ATTEMPTS.c.account, 1, 5) == "user:",
    _ATTEMPTS.c.device == UNKNOWN_DEVICE,
    _ATTEMPTS.c.failures >= STRANGER.most,
)

_LOCK = Statement(
    _ADD.on_conflict_do_update(index_elements=_KEY, set_={"failures": _ATTEMPTS.c.failures}).returning(
        _ATTEMPTS.c.failures, _ATTEMPTS.c.last_at
    )
)
_SAVE = Statement(
    _ADD.on_conflict_do_update(
        index_elements=_KEY, set_={"failures": _ADD.excluded.failures, "last_at": _ADD.excluded.last_at}
    )
)
_FORGET = Statement(delete(_ATTEMPTS).where(_OF_ACCOUNT, _ON_DEVICE))
_FORGET_ALL = Statement(delete(_ATTEMPTS).where(_OF_ACCOUNT))
_PRUNE = Statement(delete(_ATTEMPTS).where(_ATTEMPTS.c.last_at < bindparam("before", type_=Instant), not_(_FOR_GOOD)))


class SqlAttemptRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, account: str, device: str, *, now: datetime) -> Attempts:
        """A row that is changed to what it is, or made, is locked either way, in one statement: a row that were
        only looked for could be forgotten between the two.
        """
        [(failures, last_at)] = await self._connection.fetch(
            _LOCK, account=account, device=device, failures=0, last_at=now
        )
        return Attempts(account=account, device=device, failures=failures, last_at=last_at if failures else now)

    async def save(self, attempts: Attempts) -> None:
        await self._connection.execute(_SAVE, **_values(attempts))

    async def forget(self, account: str, device: str | None = None) -> None:
        if device is None:
            await self._connection.execute(_FORGET_ALL, account=account)
        else:
            await self._connection.execute(_FORGET, account=account, device=device)

    async def prune(self, before: datetime) -> None:
        await self._connection.execute(_PRUNE, before=before)


def _values(attempts: Attempts) -> dict[str, Any]:
    return {
        "account": attempts.account,
        "device": attempts.device,
        "failures": attempts.failures,
        "last_at": attempts.last_at,
    }
