"""Mail over real sockets, to a server that does as it is told."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.smtp import SmtpMailSender
from domain.errors import Unavailable
from domain.model.mails import Message
from domain.model.users import EmailAddress
from tests.support.certificates import Authority
from tests.support.post import listening, post_office, text_of
from tests.support.process import free_port

FROM = "Hexkey <hexkey@example.org>"
LINK = f"https://keys.example.org/reset-password?token=hko_{'aB3' * 20}"
PASSWORD = "p%40ss%3A%2Fword"


def a_message(
    to: str = "ada@example.net", subject: str = "A new password", text: str = f"Hello,\n\n{LINK}\n"
) -> Message:
    return Message(EmailAddress(to), subject, text)


def a_sender(
    port: int, *, scheme: str = "smtp", login: str = "", host: str = "127.0.0.1", **given: Any
) -> SmtpMailSender:
    return SmtpMailSender(f"{scheme}://{login}{host}:{port}", FROM, **given)


async def complaint(sending: Awaitable[bool]) -> str:
    with pytest.raises(Unavailable) as refused:
        await sending
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def mail_test(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host that seems to be another machine, and is this one."""
    known: Callable[..., Any] = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        return known("127.0.0.1" if host == "mail.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return "mail.test"


class TestWhatTravels:
    async def test_a_mail_arrives_with_what_a_mail_needs(self) -> None:
        async with post_office() as office:
            assert await a_sender(office.port).send(a_message())
        (envelope,), (letter,) = office.accepted, office.letters
        assert (envelope.mail_from, envelope.rcpt_tos) == ("hexkey@example.org", ["ada@example.net"])
        assert (letter["From"], letter["To"]) == (FROM, "ada@example.net")
        assert letter["Subject"] == "A new password"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Date"].datetime.tzinfo is not None
        assert letter["Message-ID"].endswith("@example.org>")
        assert (letter.get_content_type(), letter.get_content_charset()) == ("text/plain", "utf-8")

    async def test_no_two_mails_have_one_id(self) -> None:
        async with post_office() as office:
            for _ in range(3):
                await a_sender(office.port).send(a_message())
        assert len({letter["Message-ID"] for letter in office.letters}) == 3

    async def test_a_link_is_whole_in_the_source_of_a_plain_mail(self) -> None:
        async with post_office() as office:
            await a_sender(office.port).send(a_message())
        assert LINK.encode() in (office.accepted[0].original_content or b"")

    @pytest.mark.parametrize(
        "text",
        [
            "a\n",
            f"{'x' * 5000}\n",
            "Grüße, 你好 👋\n",
            f"{'ü' * 3000}\nshort\n",
            ".\n..\n.hidden\n",
            "From here\n\n\n \n",
        ],
        ids=["short", "long", "not ASCII", "long and not ASCII", "dots", "blank lines"],
    )
    async def test_a_text_arrives_as_it_was_written(self, text: str) -> None:
        async with post_office() as office:
            assert await a_sender(office.port).send(a_message(text=text))
        (letter,) = office.letters
        assert text_of(letter) == text

    async def test_a_subject_may_be_in_any_language(self) -> None:
        async with post_office() as office:
            await a_sender(office.port).send(a_message(subject="Ein neues Paßwort, 新密码"))
        assert office.letters[0]["Subject"] == "Ein neues Paßwort, 新密码"

    async def test_a_domain_in_any_language_travels_as_the_dns_knows_it(self) -> None:
        async with post_office() as office:
            assert await a_sender(office.port).send(a_message(to="ada@exämple.org"))
        assert office.accepted[0].rcpt_tos == ["ada@xn--exmple-cua.org"]

    async def test_a_name_in_any_language_needs_a_server_that_knows_it(self) -> None:
        message = a_message(to="ädä@exämple.org")
        async with post_office(enable_SMTPUTF8=True) as office:
            assert await a_sender(office.port).send(message)
        assert office.accepted[0].rcpt_tos == ["ädä@xn--exmple-cua.org"]
        async with post_office() as office:
            assert not await a_sender(office.port).send(message)
        assert office.accepted == []

    @pytest.mark.parametrize(
        "message",
        [
            a_message(to="ada@example.net\r\nBcc: eve@example.net"),
            a_message(to="ada@example.net>\r\nRCPT TO:<eve@example.net"),
            a_message(to="ada@example.net, eve@example.net"),
            a_message(to="Ada <ada@example.net>, eve@example.net"),
            a_message(to="ada@example.net> SIZE=1"),
            a_message(to="nobody"),
            a_message(to=f"ada@{'x' * 64}.net"),
            a_message(subject="Hello\r\nBcc: eve@example.net"),
            a_message(subject="Hello\n\nAnother text"),
        ],
        ids=lambda message: f"{message.to} {message.subject}",
    )
    async def test_neither_an_address_nor_a_subject_adds_a_header_or_a_recipient(self, message: Message) -> None:
        async with post_office() as office:
            assert not await a_sender(office.port).send(message)
        assert office.accepted == []

    async def test_a_text_ends_neither_the_mail_nor_its_headers(self) -> None:
        text = "Hello\n.\nQUIT\nBcc: eve@example.net\n"
        async with post_office() as office:
            assert await a_sender(office.port).send(a_message(text=text))
        (envelope,), (letter,) = office.accepted, office.letters
        assert (envelope.rcpt_tos, letter["Bcc"], text_of(letter)) == (["ada@example.net"], None, text)

    @pytest.mark.parametrize(
        ("sender", "name"),
        [
            ("hexkey@example.org", ""),
            ("<hexkey@example.org>", None),
            ("Hexkey <hexkey@example.org>", "Hexkey"),
            ("Hexkey Inc. <hexkey@example.org>", "Hexkey Inc."),
            ('"Hexkey, Inc." <hexkey@example.org>', "Hexkey, Inc."),
            ("Schlüssel für alle <hexkey@example.org>", "Schlüssel für alle"),
            ("nobody", None),
            ("", None),
            ("a@example.org, b@example.org", None),
            ("A <a@example.org>, B <b@example.org>", None),
            ("A <a@example.org> more", None),
            ("A <a@example.org>\nBcc: b@example.org", None),
            ("A\nBcc: b@example.org <a@example.org>", None),
            ('"A\r\nBcc: b@example.org" <a@example.org>', None),
        ],
    )
    async def test_a_sender_is_one_address_maybe_with_a_name(self, sender: str, name: str | None) -> None:
        if name is None:
            with pytest.raises(ValueError, match="no mail address"):
                SmtpMailSender("smtp://127.0.0.1", sender)
            return
        async with post_office() as office:
            assert await SmtpMailSender(f"smtp://127.0.0.1:{office.port}", sender).send(a_message())
        (author,) = office.letters[0]["From"].addresses
        assert (author.display_name, author.addr_spec) == (name, "hexkey@example.org")


class TestTls:
    async def test_smtps_is_tls_from_the_first_byte(self, authority: Authority) -> None:
        async with post_office(implicit_tls=authority.serving("127.0.0.1")) as office:
            assert await a_sender(office.port, scheme="smtps", tls=authority.trusting).send(a_message())
        assert len(office.accepted) == 1

    async def test_smtp_goes_over_to_tls_where_the_server_offers_it(self, authority: Authority) -> None:
        async with post_office(tls_context=authority.serving("127.0.0.1")) as office:
            assert await a_sender(office.port, tls=authority.trusting).send(a_message())
        assert office.sessions[0].ssl is not None

    async def test_smtp_stays_plain_where_the_server_does_not(self) -> None:
        async with post_office() as office:
            assert await a_sender(office.port).send(a_message())
        assert office.sessions[0].ssl is None

    @pytest.mark.parametrize("scheme", ["smtp", "smtps"])
    async def test_a_certificate_of_an_unknown_authority_is_not_trusted(
        self, scheme: str, authority: Authority, mail_test: str
    ) -> None:
        served = authority.serving(mail_test)
        options = {"implicit_tls": served} if scheme == "smtps" else {"tls_context": served}
        async with post_office(**options) as office:
            refusal = await complaint(a_sender(office.port, scheme=scheme, host=mail_test).send(a_message()))
        assert refusal == "the mail server has a certificate that is not trusted"
        assert office.accepted == []

    async def test_a_certificate_of_another_host_is_not_trusted(self, authority: Authority) -> None:
        async with post_office(implicit_tls=authority.serving("other.test")) as office:
            sending = a_sender(office.port, scheme="smtps", tls=authority.trusting).send(a_message())
            assert await complaint(sending) == "the mail server has a certificate that is not trusted"

    async def test_on_this_machine_starttls_asks_nobody_who_they_are(self, authority: Authority) -> None:
        async with post_office(tls_context=authority.serving("other.test")) as office:
            assert await a_sender(office.port).send(a_message())
        assert office.sessions[0].ssl is not None

    async def test_on_this_machine_smtps_does(self, authority: Authority) -> None:
        async with post_office(implicit_tls=authority.serving("127.0.0.1")) as office:
            await complaint(a_sender(office.port, scheme="smtps").send(a_message()))


class TestCredentials:
    async def test_they_are_percent_decoded(self, authority: Authority) -> None:
        async with post_office(tls_context=authority.serving("127.0.0.1"), auth_required=True) as office:
            sender = a_sender(office.port, login=f"ada%2Blovelace:{PASSWORD}@", tls=authority.trusting)
            assert await sender.send(a_message())
        assert office.logins == [(b"ada+lovelace", b"p@ss:/word")]

    async def test_wrong_ones_are_the_operators_to_mend_and_never_told(self, authority: Authority) -> None:
        async with post_office(tls_context=authority.serving("127.0.0.1")) as office:
            sender = a_sender(office.port, login="ada:canary7f3a@", tls=authority.trusting)
            assert await complaint(sender.send(a_message())) == "the mail server answers 535"
        assert {password for _, password in office.logins} == {b"canary7f3a"}
        assert "canary" not in repr(sender)

    async def test_missing_ones_are_too(self, authority: Authority) -> None:
        async with post_office(tls_context=authority.serving("127.0.0.1"), auth_required=True) as office:
            await complaint(a_sender(office.port, tls=authority.trusting).send(a_message()))

    async def test_they_go_to_no_other_machine_without_tls(self, mail_test: str) -> None:
        async with post_office(auth_require_tls=False) as office:
            refusal = await complaint(a_sender(office.port, host=mail_test, login=f"ada:{PASSWORD}@").send(a_message()))
            assert "STARTTLS" in refusal
            assert office.logins == []
            assert await a_sender(office.port, host=mail_test).send(a_message())
            assert await a_sender(office.port, login=f"ada:{PASSWORD}@").send(a_message())


class TestRefusals:
    @pytest.mark.parametrize(
        "answer", ["450 later", "421 closing", "451 greylisted", "530 who are you", "503 AUTH first"]
    )
    async def test_one_that_may_pass_says_try_again(self, answer: str) -> None:
        async with post_office() as office:
            sender = a_sender(office.port)
            office.answers_to_rcpt = [answer]
            assert await complaint(sender.send(a_message())) == f"the mail server answers {answer[:3]}"
            office.answers_to_data = [answer]
            assert await complaint(sender.send(a_message())) == f"the mail server answers {answer[:3]}"
            assert await sender.send(a_message())
        assert len(office.accepted) == 1

    @pytest.mark.parametrize("answer", ["550 no such user", "553 bad name", "554 no"])
    async def test_one_for_good_is_an_answer(self, answer: str) -> None:
        async with post_office() as office:
            office.answers_to_rcpt, office.answers_to_data = [answer], [answer]
            assert not await a_sender(office.port).send(a_message())
            assert not await a_sender(office.port).send(a_message())
        assert (office.answers_to_rcpt, office.answers_to_data) == ([], [])

    async def test_a_refused_sender_is_the_operators_to_mend(self) -> None:
        async with post_office(command_call_limit={"MAIL": 0}) as office:
            await complaint(a_sender(office.port).send(a_message()))

    async def test_what_the_server_says_is_not_repeated(self) -> None:
        async with post_office() as office:
            office.answers_to_data = [f"451 you said {LINK}"]
            assert LINK not in await complaint(a_sender(office.port).send(a_message()))


class Silent(asyncio.Protocol):
    """Takes the call and says *words*, and nothing else ever."""

    def __init__(self, words: bytes = b"") -> None:
        self.words = words

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.words)


class HangsUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.close()


class Rude(asyncio.Protocol):
    """Accepts a mail and hangs up without a word of farewell."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.transport.write(b"220 hello\r\n")

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"QUIT"):
            self.transport.abort()
        elif data.startswith(b"DATA"):
            self.transport.write(b"354 go on\r\n")
        elif data.startswith((b"EHLO", b"MAIL", b"RCPT")) or data.endswith(b"\r\n.\r\n"):
            self.transport.write(b"250 fine\r\n")


class TestAServerThatIsNotWell:
    async def test_one_that_is_away_says_try_again(self) -> None:
        port = free_port()
        refusal = await complaint(a_sender(port, login="ada:canary7f3a@").send(a_message()))
        assert refusal.startswith(f"the mail server cannot be used: Error connecting to 127.0.0.1 on port {port}")
        assert "canary" not in refusal

    @pytest.mark.parametrize("words", [b"", b"220 hello\r\n", b"220-hello\r\n"])
    async def test_one_that_hangs_is_left_in_time(self, words: bytes) -> None:
        async with listening(lambda: Silent(words)) as port:
            began = time.monotonic()
            refusal = await complaint(a_sender(port, timeout=0.2).send(a_message()))
        assert refusal == "the mail server does not answer in time"
        assert time.monotonic() - began < 2

    async def test_one_that_hangs_before_tls_is_left_in_time(self) -> None:
        async with listening(Silent) as port:
            await complaint(a_sender(port, scheme="smtps", timeout=0.2).send(a_message()))

    @pytest.mark.parametrize("words", [b"554 go away\r\n", b"SSH-2.0-nonsense\r\n", b"x" * 100_000])
    async def test_one_that_speaks_otherwise_says_try_again(self, words: bytes) -> None:
        async with listening(lambda: Silent(words)) as port:
            await complaint(a_sender(port, timeout=1).send(a_message()))

    async def test_one_that_hangs_up_says_try_again(self) -> None:
        async with listening(HangsUp) as port:
            await complaint(a_sender(port).send(a_message()))

    async def test_a_mail_that_was_accepted_is_sent_however_rude_the_farewell(self) -> None:
        async with listening(Rude) as port:
            assert await a_sender(port).send(a_message())


def test_the_ports_are_those_for_handing_in() -> None:
    from adapters.smtp.sender import PORTS

    assert PORTS == {"smtp": 587, "smtps": 465}
