"""A mail sender and whoever it hands to: what the suite of mail senders is about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.model.mails import Message
from domain.ports.mails import MailSender


@dataclass(frozen=True, slots=True)
class Post:
    """*arrived* is all that came, as it is read there; *refuse* has the next recipient refused for good; after *close*
    there is nobody to hand to.
    """

    sender: MailSender
    arrived: Callable[[], list[Message]]
    refuse: Callable[[], None]
    close: Callable[[], Awaitable[None]]
