"""A post office: a real SMTP server on a real socket, that does as the test says and keeps what it accepted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class PostOffice:
    """*answers* are given, one after the other, to a recipient or to the whole mail; then everything is accepted."""

    port: int = 0
    accepted: list[Envelope] = field(default_factory=list)
    answers_to_rcpt: list[str] = field(default_factory=list)
    answers_to_data: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    password: bytes = b"p@ss:/word"

    @property
    def letters(self) -> list[EmailMessage]:
        return [letter(envelope) for envelope in self.accepted]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_rcpt:
            return self.answers_to_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers_to_data:
            return self.answers_to_data.pop(0)
        self.accepted.append(envelope)
        self.sessions.append(session)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, proof: Any
    ) -> AuthResult:
        assert isinstance(proof, LoginPassword)
        self.logins.append((proof.login, proof.password))
        return AuthResult(success=proof.password == self.password, handled=False)


def letter(envelope: Envelope) -> EmailMessage:
    content = envelope.original_content
    assert content is not None
    read = message_from_bytes(content, policy=policy.SMTPUTF8)
    assert isinstance(read, EmailMessage)
    return read


async def arrived(office: PostOffice, count: int) -> list[EmailMessage]:
    """The letters, once there are *count* of them; within ten seconds."""
    async with asyncio.timeout(10):
        while len(office.accepted) < count:  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.02)
    return office.letters


def text_of(letter: EmailMessage) -> str:
    """With the line ends of Python, where the wire has CR and LF."""
    text: str = letter.get_content()
    return text.replace("\r\n", "\n")


@asynccontextmanager
async def post_office(
    *, port: int = 0, password: bytes = PostOffice.password, implicit_tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[PostOffice]:
    """At *port*, or wherever there is room; *options* are those of aiosmtpd's `SMTP`."""
    office = PostOffice(password=password)
    loop = asyncio.get_running_loop()
    options = {"hostname": "post.test", "authenticator": office.authenticate, **options}
    async with listening(lambda: SMTP(office, loop=loop, **options), port=port, tls=implicit_tls) as office.port:
        yield office


@asynccontextmanager
async def listening(
    protocol: Callable[[], asyncio.BaseProtocol], *, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port on which every connection gets a *protocol* of its own."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
