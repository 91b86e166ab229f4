"""What mails say, and which are still worth sending."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from domain.model.ids import MailId
from domain.model.letters import LINKS, Link, letter
from domain.model.mails import ATTEMPTS_MAX, Mail, MailKind, Message
from domain.model.users import EmailAddress, User
from tests.support.examples import a_user
from tests.support.fakes import START

SITE = "https://keys.example.org"
ADA, EVE = EmailAddress("ada@example.org"), EmailAddress("eve@example.org")
TOKEN = "hko_Canary7f3a9c5e1b"
WITH_A_LINK = {
    MailKind.PASSWORD_RESET: "reset-password",
    MailKind.WELCOME: "reset-password",
    MailKind.EMAIL_VERIFICATION: "verify-email",
    MailKind.EMAIL_CHANGE: "verify-email",
    MailKind.INVITATION: "accept-invitation",
}


def written(kind: MailKind, **given: object) -> Message:
    link = Link(TOKEN, LINKS[kind].lifetime) if kind in LINKS else None
    return letter(kind, ADA, **{"public_url": SITE, "link": link, **given})  # type: ignore[arg-type]  # by keyword


def a_mail(kind: MailKind) -> Mail:
    return Mail(id=MailId(UUID(int=1)), kind=kind, to=ADA, created_at=START, due_at=START)


def links(message: Message) -> list[str]:
    return re.findall(r"\w+://\S+", message.text)


class TestWhatTheySay:
    @pytest.mark.parametrize(("kind", "page"), WITH_A_LINK.items())
    def test_one_with_a_link_has_one_alone_in_its_line(self, kind: MailKind, page: str) -> None:
        message = written(kind)
        assert links(message) == [f"{SITE}/{page}?token={TOKEN}"]
        assert f"\n\n{links(message)[0]}\n\n" in message.text

    @pytest.mark.parametrize("kind", sorted(set(MailKind) - set(WITH_A_LINK)))
    def test_one_that_tells_what_was_done_has_none(self, kind: MailKind) -> None:
        assert kind not in LINKS
        assert links(written(kind)) == []
        assert TOKEN not in written(kind).text

    @pytest.mark.parametrize("kind", MailKind)
    def test_each_says_whose_it_is_and_where_and_has_nothing_left_open(self, kind: MailKind) -> None:
        message = written(kind, public_url="http://127.0.0.1:8000")
        assert message.to == ADA
        assert "127.0.0.1:8000" in message.subject
        assert "127.0.0.1:8000" in message.text
        assert not re.search(r"[{}]|None", message.subject + message.text)
        assert all(len(line) <= 90 for line in message.text.splitlines())
        assert "\n" not in message.subject

    @pytest.mark.parametrize("kind", MailKind)
    def test_no_secret_is_shown_by_accident(self, kind: MailKind) -> None:
        assert TOKEN not in repr(written(kind)) + repr(Link(TOKEN, timedelta(hours=1))) + written(kind).subject

    @pytest.mark.parametrize(
        ("lifetime", "spoken"),
        [
            (timedelta(minutes=30), "30 minutes"),
            (timedelta(hours=24), "24 hours"),
            (timedelta(days=7), "7 days"),
            (timedelta(days=7, microseconds=-1), "6 days"),
            (timedelta(hours=47, minutes=59), "47 hours"),
            (timedelta(minutes=119), "119 minutes"),
            (timedelta(seconds=119), "1 minute"),
        ],
    )
    def test_each_says_how_long_its_link_lives_and_never_too_long(self, lifetime: timedelta, spoken: str) -> None:
        message = written(MailKind.INVITATION, link=Link(TOKEN, lifetime))
        assert f"within {spoken}:" in message.text

    def test_an_invitation_says_who_invites(self) -> None:
        assert f"{EVE} invites you" in written(MailKind.INVITATION, inviter=EVE).text
        assert "The operator invites you" in written(MailKind.INVITATION).text

    @pytest.mark.parametrize("kind", sorted(set(MailKind) - {MailKind.WELCOME, MailKind.SESSION_REUSED}))
    def test_each_says_what_to_do_if_it_was_somebody_else(self, kind: MailKind) -> None:
        assert re.search(r"If (it was not you|it was you, all is well|you do not want)", written(kind).text)


class TestWhetherTheyAreStillWorthSending:
    @pytest.mark.parametrize(
        ("kind", "user", "concerned"),
        [
            (MailKind.PASSWORD_RESET, a_user(email=ADA), True),
            (MailKind.PASSWORD_RESET, a_user(email=EVE), False),
            (MailKind.PASSWORD_RESET, a_user(email=ADA, is_active=False), False),
            (MailKind.WELCOME, a_user(email=ADA), True),
            (MailKind.WELCOME, a_user(email=EVE), False),
            (MailKind.EMAIL_VERIFICATION, a_user(email=ADA), True),
            (MailKind.EMAIL_VERIFICATION, a_user(email=EVE), False),
            (MailKind.EMAIL_VERIFICATION, a_user(email=ADA, email_verified_at=START), False),
            (MailKind.EMAIL_CHANGE, a_user(email=EVE), True),
            (MailKind.EMAIL_CHANGE, a_user(email=ADA), False),
            (MailKind.EMAIL_CHANGE, a_user(email=EVE, is_active=False), False),
            (MailKind.EMAIL_CHANGE, a_user(email=EVE, updated_at=START + timedelta(microseconds=1)), False),
        ],
    )
    def test_only_while_what_they_are_about_is_so(self, kind: MailKind, user: User, concerned: bool) -> None:
        assert a_mail(kind).concerns(user) is concerned

    def test_each_attempt_makes_it_wait_longer_up_to_an_hour(self) -> None:
        mail, pauses = a_mail(MailKind.WELCOME), []
        while not mail.is_hopeless:
            mail = mail.attempted(now=START)
            pauses.append((mail.due_at - START) // timedelta(minutes=1))
        assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert len(pauses) == ATTEMPTS_MAX
        assert sum(pauses) > 24 * 60

    def test_it_is_a_value(self) -> None:
        mail = a_mail(MailKind.WELCOME)
        assert mail.attempted(now=START) is not mail
        assert mail.attempts == 0
