"""What others tell us, signed by them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.model.ids import DeliveryId
from domain.model.queries import Choice, Field, Fields, Instant, Word

NAME_LIMIT = 255
"""Of a delivery id and of an event."""
KEPT = timedelta(days=30)
"""For so long at least nothing is taken a second time."""
ATTEMPTS_MAX = 15
"""Then nobody tries it any more: seven hours and more have passed."""
_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature has proved to come from its source, and the names that its sender gave it.

    *event* is None where the headers do not say. GitHub signs the body alone: its *delivery_id* and *event* are what
    whoever sent it says. There *digest* is that of the body, the one thing that says what came before.
    """

    delivery_id: str
    event: str | None
    digest: bytes | None = None


class DeliveryStatus(StrEnum):
    """*unhandled* is what nobody here reacts to; *failed* what was tried too often."""

    PENDING = "pending"
    HANDLED = "handled"
    UNHANDLED = "unhandled"
    FAILED = "failed"


DELIVERY_FIELDS = Fields(
    Field("delivery_id", Word(NAME_LIMIT)),
    Field("event", Word(NAME_LIMIT), sorts=True, optional=True),
    Field("status", Choice(DeliveryStatus), sorts=True),
    Field("handled_at", Instant(), sorts=True, optional=True),
    Field("created_at", Instant(), sorts=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something that came in, without what it said. *due_at* is when it is next tried; None when it is over.

    *size* is in bytes. *last_error* is the kind of what went wrong, and nothing that it says: that may hold a secret.
    """

    id: DeliveryId
    source: str
    delivery_id: str
    digest: bytes | None = None
    event: str | None = None
    size: int
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    due_at: datetime | None
    handled_at: datetime | None = None
    last_error: str | None = None
    created_at: datetime
    version: int = 1

    def attempted(self, *, now: datetime) -> "Delivery":
        """As it waits while it is being handled: whoever fails, or dies, leaves it due again after a while."""
        pause = min(_FIRST_RETRY * 2 ** min(self.attempts, 10), _LONGEST_RETRY)
        return replace(self, attempts=self.attempts + 1, due_at=now + pause)

    def handled(self, *, now: datetime) -> "Delivery":
        return replace(self, status=DeliveryStatus.HANDLED, due_at=None, handled_at=now, last_error=None)

    def unhandled(self) -> "Delivery":
        return replace(self, status=DeliveryStatus.UNHANDLED, due_at=None)

    def not_handled(self, error: str) -> "Delivery":
        """After an attempt that came to nothing: the last one was the last."""
        if self.attempts < ATTEMPTS_MAX:
            return replace(self, last_error=error)
        return replace(self, status=DeliveryStatus.FAILED, due_at=None, last_error=error)

    @property
    def is_hopeless(self) -> bool:
        """Whether even the last attempt has been made, and whoever made it has died of it."""
        return self.attempts > ATTEMPTS_MAX
