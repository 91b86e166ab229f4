"""A message as it travels: one address each way, plain text, and no header that an address or a subject could add."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import make_msgid

from domain.model.mails import Message

_LINE_LIMIT = 998
"""RFC 5322, 2.1.1; a longer line, and what is not ASCII, is encoded."""
_SPECIAL = r"\x00-\x1f\x7f\"(),:;<>@\[\\\]"
_ADDRESS = re.compile(rf"([^\s{_SPECIAL}]+)@([^\s{_SPECIAL}]+)")
_NAMED = re.compile(rf"(?:\"([^\x00-\x1f\x7f\"\\]+)\"|([^{_SPECIAL}]+?)) ?<([^<>]+)>")


def mailbox(text: str) -> Address:
    """``ada@example.org``, ``Ada <ada@example.org>`` or ``"Ada, Inc." <ada@example.org>``. Raises ValueError."""
    if (match := _NAMED.fullmatch(text)) is None:
        return address(text)
    return address(match[3], match[1] or match[2])


def address(text: str, name: str = "") -> Address:
    """One, its domain as the DNS knows it (RFC 3490). Raises ValueError.

    Not by `email.utils`, which finds something to send to in nearly every text, each patch release in another.
    """
    if (match := _ADDRESS.fullmatch(text)) is None:
        raise ValueError("this is no mail address")
    return Address(name, match[1], match[2].encode("idna").decode())


def as_it_travels(message: Message, *, sender: Address) -> EmailMessage:
    """Raises ValueError for what no header can hold."""
    to = address(message.to)
    is_ascii = (sender.addr_spec + to.addr_spec).isascii()
    letter = EmailMessage(SMTP if is_ascii else SMTPUTF8)
    letter["From"] = sender
    letter["To"] = to
    letter["Subject"] = message.subject
    letter["Date"] = datetime.now(UTC)
    letter["Message-ID"] = make_msgid(domain=sender.domain)
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    letter.set_content(message.text, cte=_encoding(message.text))
    return letter


def _encoding(text: str) -> str:
    """A link that fits a line stays whole in the source too."""
    is_plain = text.isascii() and max(map(len, text.splitlines()), default=0) <= _LINE_LIMIT
    return "7bit" if is_plain else "quoted-printable"
