"""Who sends mail is chosen by the settings."""

import pytest

from app.composition import connect
from app.settings import made_secret, parse
from domain.model.mails import Message
from domain.model.users import EmailAddress
from tests.support.post import post_office, text_of

MESSAGE = Message(
    EmailAddress("ada@example.net"), "A new password", "Hello,\n\nhttps://keys.example.org/x?token=hko_t\n"
)
PRODUCTION = {
    "HEXKEY_ENV": "production",
    "HEXKEY_PUBLIC_URL": "https://keys.example.org",
    "HEXKEY_DATABASE_URL": "sqlite:///never-opened.db",
}


async def send(**environ: str) -> bool:
    ports = connect(parse({"HEXKEY_SECRETS": made_secret(), **environ}))
    try:
        return await ports.mail.send(MESSAGE)
    finally:
        await ports.close()


async def test_in_development_it_is_shown_with_its_link(capsys: pytest.CaptureFixture[str]) -> None:
    assert await send()
    assert "https://keys.example.org/x?token=hko_t" in capsys.readouterr().err


async def test_in_production_without_a_server_it_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert not await send(**PRODUCTION)
    assert "hko_" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("environ", [{}, PRODUCTION], ids=["development", "production"])
async def test_with_a_server_it_goes_there_from_who_the_settings_say(environ: dict[str, str]) -> None:
    async with post_office() as office:
        url = f"smtp://127.0.0.1:{office.port}"
        assert await send(**environ, HEXKEY_SMTP_URL=url, HEXKEY_MAIL_FROM='"Keys, Inc." <keys@example.org>')
    (letter,) = office.letters
    assert letter["From"] == '"Keys, Inc." <keys@example.org>'
    assert text_of(letter) == MESSAGE.text
