"""What a mail says: who asked for it, what its link does and for how long, and what to do if it was somebody else.

Nothing that a stranger chose stands in a text but addresses: whoever can have mail sent to others must not be able to
write it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from domain.model.invitations import INVITATION_LIFETIME
from domain.model.mails import MailKind, Message
from domain.model.one_time_tokens import TokenPurpose
from domain.model.users import EmailAddress


class LinkRule(NamedTuple):
    """Where a link leads, what its token is good for, and how long at most."""

    page: str
    purpose: TokenPurpose
    lifetime: timedelta


LINKS: Final[Mapping[MailKind, LinkRule]] = {
    MailKind.PASSWORD_RESET: LinkRule("reset-password", TokenPurpose.PASSWORD_RESET, timedelta(minutes=30)),
    MailKind.WELCOME: LinkRule("reset-password", TokenPurpose.PASSWORD_RESET, timedelta(hours=24)),
    MailKind.EMAIL_VERIFICATION: LinkRule("verify-email", TokenPurpose.EMAIL_VERIFICATION, timedelta(hours=24)),
    MailKind.EMAIL_CHANGE: LinkRule("verify-email", TokenPurpose.EMAIL_CHANGE, timedelta(hours=24)),
    MailKind.INVITATION: LinkRule("accept-invitation", TokenPurpose.INVITATION, INVITATION_LIFETIME),
}
"""Mail of every other kind has no link."""


@dataclass(frozen=True, slots=True)
class Link:
    token: str = field(repr=False)
    lifetime: timedelta


def letter(
    kind: MailKind,
    to: EmailAddress,
    *,
    public_url: str,
    link: Link | None = None,
    inviter: EmailAddress | None = None,
) -> Message:
    """*link* for the kinds in `LINKS`; without an *inviter* it is the operator who invites."""
    words = {"to": to, "site": urlsplit(public_url).netloc, "inviter": inviter or "The operator"}
    if link is not None:
        words["link"] = f"{public_url}/{LINKS[kind].page}?token={link.token}"
        words["lifetime"] = _spoken(link.lifetime)
    subject, text = _TEXTS[kind]
    return Message(to, subject.format(**words), text.format(**words))


def _spoken(lifetime: timedelta) -> str:
    """In the largest unit of which there are two, rounded down: no link ends before it says."""
    minutes = int(lifetime.total_seconds()) // 60
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


_TEXTS: Final[Mapping[MailKind, tuple[str, str]]] = {
    MailKind.PASSWORD_RESET: (
        "A new password for {site}",
        """\
Hello,

somebody, probably you, asked for a new password for {to} at {site}.

Choose it here. The link works once, within {lifetime}:

{link}

If it was not you, do nothing: your password stays as it is.
""",
    ),
    MailKind.WELCOME: (
        "Your account at {site}",
        """\
Hello,

somebody who runs {site} made an account there for {to}.

Choose your password here. The link works once, within {lifetime}:

{link}

If you come too late, ask for a new password at {site}.
If you want no account, do nothing.
""",
    ),
    MailKind.EMAIL_VERIFICATION: (
        "Confirm your address for {site}",
        """\
Hello,

somebody, probably you, gave {to} as the address
of an account at {site}.

Confirm here that it is yours. The link works once, within {lifetime}:

{link}

If it was not you, do nothing: the address stays unconfirmed.
""",
    ),
    MailKind.EMAIL_CHANGE: (
        "Confirm your new address for {site}",
        """\
Hello,

somebody, probably you, wants {to} to be the new address
of an account at {site}.

Confirm the change here. The link works once, within {lifetime}:

{link}

If it was not you, do nothing: the account keeps the address that it has.
""",
    ),
    MailKind.INVITATION: (
        "You are invited to {site}",
        """\
Hello,

{inviter} invites you to {site}.

Accept here. The link works once, within {lifetime}:

{link}

If you do not want to join, or do not know who this is, do nothing.
""",
    ),
    MailKind.PASSWORD_CHANGED: (
        "Your password for {site} was changed",
        """\
Hello,

the password of {to} at {site} was changed.

If it was you, all is well. If it was not, ask for a new password at once, and
tell those who run {site}.
""",
    ),
    MailKind.EMAIL_CHANGED: (
        "Your address for {site} was changed",
        """\
Hello,

your account at {site} has another address now.
Nothing more about it will come to {to}.

If it was you, all is well. If it was not, tell those who run {site} at once.
""",
    ),
    MailKind.SESSION_REUSED: (
        "You were signed out at {site}",
        """\
Hello,

one of your sessions at {site} was used from two places, as happens
when somebody has copied it. We have ended it.

Sign in again. If you cannot explain this, change your password as well.
""",
    ),
    MailKind.IDENTITY_LINKED: (
        "Another way to sign in at {site}",
        """\
Hello,

whoever owns a certain account elsewhere can now sign in with it
as {to} at {site}.

If it was you, all is well. If it was not, remove that identity at once, change
your password, and tell those who run {site}.
""",
    ),
    MailKind.IDENTITY_REMOVED: (
        "One way less to sign in at {site}",
        """\
Hello,

an account elsewhere that signed you in as {to} at {site}
does not do so any more.

If it was you, all is well. If it was not, change your password at once, and tell
those who run {site}.
""",
    ),
}
