"""What a test has in its hand: the time, and the mail."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from domain.model.mails import Message

_TOKEN = re.compile(r"\?token=(\S+)")


class MovableClock:
    """It stands still until somebody moves it: ``clock.advance(minutes=10)``."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)

    async def sleep(self, span: timedelta) -> None:
        """For whoever sleeps, time goes by at once."""
        self._now += span


class Outbox:
    """Mails, which nothing sends by itself: ``await outbox.deliver()`` does, and *sent* is what went out."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.sender: Callable[[], Awaitable[int]] | None = None

    async def send(self, message: Message) -> bool:
        self.sent.append(message)
        return True

    async def deliver(self) -> list[Message]:
        """Send what is due; what that was."""
        before = len(self.sent)
        while self.sender is not None and await self.sender():
            pass
        return self.sent[before:]

    async def token(self, to: str) -> str:
        """What the link in the last mail to that address carries, once what is due has been sent."""
        await self.deliver()
        texts = [message.text for message in self.sent if message.to == to]
        match = _TOKEN.search(texts[-1]) if texts else None
        assert match is not None, f"no mail with a link went to {to}"  # noqa: S101 - this is for tests
        return match[1]
