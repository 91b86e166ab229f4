"""Mail from the running service to a real server, and back by the links in it."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import NamedTuple

import httpx
import pytest

from adapters.smtp import SmtpMailSender
from domain.model.users import EmailAddress
from tests.support.ports import memory_ports
from tests.support.post import arrived, post_office, text_of
from tests.support.process import PASSWORD, Server, free_port, installation
from tests.support.service import Service

FROM = "Hexkey <hexkey@example.org>"
ADA = "ada@example.org"
NEW = "a different horse altogether"


class Running(NamedTuple):
    """*smtp_port* is where the server looks for a mail server; nobody need be there."""

    server: Server
    smtp_port: int


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    settings = {"HEXKEY_SMTP_URL": f"smtp://127.0.0.1:{port}", "HEXKEY_MAIL_FROM": FROM}
    with installation(folder, request.param, **settings) as installed:
        installed.migrate()
        with installed.server(workers=2) as server:
            yield Running(server, port)


def link_in(letter: EmailMessage) -> str:
    (link,) = re.findall(r"^http\S+$", text_of(letter), re.MULTILINE)
    return str(link)


def token_in(letter: EmailMessage) -> str:
    return link_in(letter).partition("?token=")[2]


async def test_a_person_comes_in_and_comes_back_by_mail(running: Running) -> None:
    url = running.server.url
    async with (
        post_office(port=running.smtp_port) as office,
        httpx.AsyncClient(base_url=f"{url}/v1", timeout=10) as ada,
    ):
        await ada.post("/auth/register", json={"email": ADA, "password": PASSWORD})
        (verification,) = await arrived(office, 1)
        assert (verification["From"], verification["To"]) == (FROM, ADA)
        assert link_in(verification).startswith(f"{url}/verify-email?token=hko_")
        verified = await ada.post("/auth/email/verify", json={"token": token_in(verification)})
        assert verified.status_code == 204, verified.text

        for email in (ADA, "nobody@example.org"):
            assert (await ada.post("/auth/password/forgot", json={"email": email})).status_code == 202
        _, reset = await arrived(office, 2)
        assert link_in(reset).startswith(f"{url}/reset-password?token=hko_")
        for status in (204, 422):
            spent = await ada.post("/auth/password/reset", json={"token": token_in(reset), "password": NEW})
            assert spent.status_code == status, spent.text
        *_, notice = await arrived(office, 3)
        assert "was changed" in notice["Subject"]
        form = {"grant_type": "password", "username": ADA, "password": NEW}
        tokens = (await ada.post("/auth/token", data=form)).json()
        me = await ada.get("/me", headers={"authorization": f"Bearer {tokens['access_token']}"})
        assert me.json()["email_verified"] is True
    assert [letter["To"] for letter in office.letters] == [ADA] * 3
    assert "hko_" not in running.server.said


async def test_mail_waits_for_a_server_that_is_away() -> None:
    port = free_port()
    service = Service(memory_ports(mail=SmtpMailSender(f"smtp://127.0.0.1:{port}", FROM)))
    await service.user(ADA)
    assert await service.services.mails.deliver() == 1
    async with post_office(port=port) as office:
        assert await service.services.mails.deliver() == 0
        service.advance(minutes=1)
        assert await service.services.mails.deliver() == 1
        (letter,) = office.letters
        verified = await service.anyone.post("/v1/auth/email/verify", token=token_in(letter))
        assert verified.status_code == 204
        service.advance(days=1)
        assert await service.services.mails.deliver() == 0
    async with service.ports.uow.reading() as work:
        ada = await work.users.find_by_email(EmailAddress(ADA))
    assert ada is not None
    assert ada.email_verified_at is not None
