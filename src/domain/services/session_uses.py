from contextlib import suppress
from datetime import datetime

from domain.errors import Unavailable
from domain.model.actors import Origin
from domain.model.ids import SessionId
from domain.model.sessions import Lifetimes, Session
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory

_WRITTEN_MAX = 10_000


class SessionUses:
    """The use of a cookie keeps its session from idling; it is written down now and then."""

    def __init__(self, *, uow: UnitOfWorkFactory, lifetimes: Lifetimes, clock: Clock) -> None:
        self._uow = uow
        self._lifetimes = lifetimes
        self._clock = clock
        self._written: dict[SessionId, datetime] = {}

    async def note(self, session: Session, origin: Origin) -> bool:
        """Whether that took its time. What is remembered of a *session* is older than what was last written of it.

        Nobody is refused because it could not be written down that they came.
        """
        now, written = self._clock.now(), self._written.get(session.id)
        if not session.is_worth_touching(lifetimes=self._lifetimes, now=now, written=written):
            return False
        self._remember(session.id, now)
        with suppress(Unavailable):
            async with self._uow() as work:
                await work.sessions.touch(session.seen(lifetimes=self._lifetimes, origin=origin, now=now))
        return True

    def _remember(self, session_id: SessionId, now: datetime) -> None:
        self._written.pop(session_id, None)  # the oldest comes first
        self._written[session_id] = now
        if len(self._written) > _WRITTEN_MAX:
            del self._written[next(iter(self._written))]
