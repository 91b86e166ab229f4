"""What no deployment can start with, though each setting alone is right."""

from collections.abc import Iterator

from app.settings.problems import Problem
from app.settings.secret import Secret
from app.settings.table import Settings
from domain.errors import Invalid
from domain.model.passwords import PasswordPolicy


def clashes(settings: Settings) -> Iterator[Problem]:
    yield from _mail(settings)
    yield from _first_admin(settings)


def _mail(settings: Settings) -> Iterator[Problem]:
    if settings.smtp_url is not None and settings.mail_from is None:
        yield Problem("HEXKEY_MAIL_FROM", "is missing beside HEXKEY_SMTP_URL", "write who the mail is from")


def _first_admin(settings: Settings) -> Iterator[Problem]:
    match settings.admin_email, settings.admin_password:
        case None, None:
            return
        case None, _:
            yield Problem("HEXKEY_ADMIN_EMAIL", "is missing beside HEXKEY_ADMIN_PASSWORD", "set both or neither")
        case _, None:
            yield Problem("HEXKEY_ADMIN_PASSWORD", "is missing beside HEXKEY_ADMIN_EMAIL", "set both or neither")
        case email, Secret() as password:
            yield from _first_password(password, email, PasswordPolicy(settings.password_min_length))


def _first_password(password: Secret, email: str | None, policy: PasswordPolicy) -> Iterator[Problem]:
    try:
        policy.accept(password.reveal(), about=(email,))
    except Invalid as refused:
        mends = (f"choose one that {problem.detail}" for problem in refused.problems)
        yield Problem("HEXKEY_ADMIN_PASSWORD", "is not accepted as a password", "; ".join(mends))
