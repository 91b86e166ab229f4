from datetime import datetime
from heapq import nsmallest
from operator import attrgetter

from adapters.memory.tables import Table
from domain.model.ids import MailId
from domain.model.invitations import Invitation
from domain.model.mails import Mail, Message
from domain.model.users import User


class MemoryMailRepository:
    def __init__(self, mails: Table[Mail], users: Table[User], invitations: Table[Invitation]) -> None:
        self._mails = mails
        self._users = users
        self._invitations = invitations

    async def add(self, mail: Mail) -> None:
        if mail.user_id is not None:
            self._users.writing.require(mail.user_id)
        if mail.invitation_id is not None:
            self._invitations.writing.require(mail.invitation_id)
        self._mails.writing.insert(mail)

    async def claim(self, limit: int, *, now: datetime) -> tuple[Mail, ...]:
        mails = self._mails.writing
        due = nsmallest(limit, (mail for mail in mails if mail.due_at <= now), key=attrgetter("due_at", "id"))
        claimed = tuple(mail.attempted(now=now) for mail in due)
        for mail in claimed:
            mails.put(mail.id, mail)
        return claimed

    async def remove(self, mail_id: MailId) -> None:
        self._mails.writing.remove(mail_id)

    async def count(self) -> int:
        return sum(1 for _ in self._mails)


class MemoryMailSender:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, message: Message) -> bool:
        self.sent.append(message)
        return True
