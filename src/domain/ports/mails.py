from datetime import datetime
from typing import Protocol

from domain.model.ids import MailId
from domain.model.mails import Mail, Message


class MailRepository(Protocol):
    """Mail that waits to be sent, kept if and only if its cause is."""

    async def add(self, mail: Mail) -> None:
        """Raises UserNotFound, InvitationNotFound."""

    async def claim(self, limit: int, *, now: datetime) -> tuple[Mail, ...]:
        """Those that are due, the longest due first, as `Mail.attempted` makes them wait.

        Of several who claim at once, one at most is given each mail.
        """

    async def remove(self, mail_id: MailId) -> None:
        """The same when it is said again."""

    async def count(self) -> int:
        """How many wait, be they due or not."""


class MailSender(Protocol):
    async def send(self, message: Message) -> bool:
        """Hand it over; False where it is refused for good, such as an address that does not exist.

        Raises Unavailable: try again later.
        """
