"""What must never serve strangers: refused in production, warned of in development."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from app.settings.problems import Problem
from app.settings.secret import weakness
from app.settings.table import Settings
from app.settings.urls import is_open_to_listeners

PASSWORD_MINIMUM: Final = 15
ACCESS_TOKEN_MAXIMUM: Final = timedelta(minutes=15)
_GENERATE = "make one with `hexkey secrets generate`"


def dangers(settings: Settings) -> Iterator[Problem]:
    """Each names its variable and its mend."""
    yield from _storage(settings)
    yield from _secrets(settings)
    yield from _open_to_all(settings)
    yield from _listeners(settings)
    yield from _guessing(settings)
    yield from _outliving(settings)


def _storage(settings: Settings) -> Iterator[Problem]:
    if settings.database.kind == "memory":
        yield Problem("HEXKEY_DATABASE_URL", "forgets everything at the end", "write postgresql://… or sqlite:///…")


def _secrets(settings: Settings) -> Iterator[Problem]:
    if not settings.secrets:
        yield Problem("HEXKEY_SECRETS", "is missing", _GENERATE)
    for reason in dict.fromkeys(weakness(secret) for secret in settings.secrets):
        if reason is not None:
            yield Problem("HEXKEY_SECRETS", reason, _GENERATE)


def _open_to_all(settings: Settings) -> Iterator[Problem]:
    if "*" in settings.allowed_hosts:
        yield Problem("HEXKEY_ALLOWED_HOSTS", "allows every host", "name the hosts that people use")
    if "*" in settings.cors_origins:
        yield Problem("HEXKEY_CORS_ORIGINS", "allows every origin", "name the origins that may read answers")
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield Problem("HEXKEY_TRUSTED_PROXIES", "trusts every address", "name the networks of your proxies")


def _listeners(settings: Settings) -> Iterator[Problem]:
    if settings.public_url.startswith("http://"):
        yield Problem("HEXKEY_PUBLIC_URL", "is without TLS", "write https://…")
    for name, provider in settings.oidc.items():
        if not provider.issuer.lower().startswith("https://"):
            yield Problem(f"HEXKEY_OIDC__{name.upper()}__ISSUER", "is without TLS", "write https://…")
    for variable, url, mend in (
        ("HEXKEY_DATABASE_URL", settings.database.dsn, "add ?sslmode=verify-full&sslrootcert=…"),
        ("HEXKEY_REDIS_URL", settings.redis_url, "write rediss://…"),
        ("HEXKEY_SMTP_URL", settings.smtp_url, "write smtps://…"),
    ):
        if url is not None and is_open_to_listeners(url.reveal()):
            yield Problem(variable, "leaves this machine without TLS", mend)


def _guessing(settings: Settings) -> Iterator[Problem]:
    for name in ("rate_limit_default", "rate_limit_anonymous", "rate_limit_sign_in"):
        if getattr(settings, name) is None:
            yield Problem(f"HEXKEY_{name.upper()}", "is off", "write a limit such as 600/minute")
    if settings.password_min_length < PASSWORD_MINIMUM:
        yield Problem("HEXKEY_PASSWORD_MIN_LENGTH", "is too short", f"write {PASSWORD_MINIMUM} or more")


def _outliving(settings: Settings) -> Iterator[Problem]:
    if settings.access_token_ttl > ACCESS_TOKEN_MAXIMUM:
        yield Problem("HEXKEY_ACCESS_TOKEN_TTL", "is over 15m", "write 15m or less; refresh tokens carry a session on")
