import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from adapters.smtp.letters import as_it_travels, mailbox
from domain.errors import Unavailable
from domain.model.mails import Message

PORTS: Final = {"smtp": 587, "smtps": 465}
"""RFC 6409 and RFC 8314: mail is handed in there, not at 25."""
_ABOUT_US = frozenset({503, 530, 534, 535, 538})
"""They ask who we are (RFC 4954) and so say nothing about the address."""
_FAREWELL: Final = 1.0

_FAILURES: Final = (SMTPException, OSError)
"""Time-outs and TLS errors are among the second."""


class SmtpMailSender:
    """``smtps://user:password@host:465`` is TLS from the first byte; ``smtp://`` goes over to it where the server can.

    Certificates are verified, but for STARTTLS on this machine, where nobody stands in between and none is made out
    to ``localhost``. A password never goes to another machine without TLS.

    *sender* is ``hexkey@example.org`` or ``Hexkey <hexkey@example.org>``; *timeout*, in seconds, holds for all that
    happens until a mail is accepted. Raises ValueError for a *sender* that is no address.
    """

    def __init__(self, url: str, sender: str, *, timeout: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        self._sender = mailbox(sender)
        self._timeout = timeout
        self._server = _server(urlsplit(url), tls) | {"local_hostname": self._sender.domain, "timeout": timeout}

    async def send(self, message: Message) -> bool:
        """False too where the address needs SMTPUTF8 and the server does not know it. Raises Unavailable."""
        try:
            letter = as_it_travels(message, sender=self._sender)
        except ValueError:
            return False
        try:
            await self._hand_over(letter)
        except _FAILURES as failure:
            if _is_for_good(failure):
                return False
            raise Unavailable(f"the mail server {_complaint(failure)}") from None
        return True

    async def _hand_over(self, letter: EmailMessage) -> None:
        """Once the letter is accepted, nothing that goes wrong counts any more."""
        client = SMTP(**self._server)
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await client.send_message(letter)
            with suppress(*_FAILURES):
                await client.quit(timeout=_FAREWELL)
        finally:
            client.close()


def _server(url: SplitResult, tls: ssl.SSLContext | None) -> dict[str, Any]:
    """What aiosmtplib wants to know. *tls* takes the place of the machine's own roots."""
    host = url.hostname or "localhost"
    at_once, local = url.scheme == "smtps", _is_this_machine(host)
    must = url.password is not None and not local
    return {
        "hostname": host,
        "port": url.port or PORTS[url.scheme],
        "username": None if url.username is None else unquote(url.username),
        "password": None if url.password is None else unquote(url.password),
        "use_tls": at_once,
        "start_tls": False if at_once else True if must else None,
        "tls_context": tls or _context(verified=at_once or not local),
    }


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _context(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_for_good(failure: Exception) -> bool:
    """5xx said of the recipient or of the mail; said of us or of our sender, it is the operator's to mend."""
    match failure:
        case SMTPNotSupported():
            return True
        case SMTPRecipientsRefused(recipients=[refusal, *_]):
            code = refusal.code
        case SMTPDataError(code=code):
            pass
        case _:
            return False
    return code // 100 == 5 and code not in _ABOUT_US


def _complaint(failure: Exception) -> str:
    """Never the server's own words: they may repeat ours. The library's are of host, port and TLS."""
    match failure:
        case SMTPRecipientsRefused(recipients=[refusal, *_]):
            return f"answers {refusal.code}"
        case SMTPResponseException(code=code):
            return f"answers {code}"
        case TimeoutError():
            return "does not answer in time"
    if isinstance(failure, ssl.SSLCertVerificationError) or isinstance(failure.__cause__, ssl.SSLCertVerificationError):
        return "has a certificate that is not trusted"
    return f"cannot be used: {failure}"
