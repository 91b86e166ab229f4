"""What an operator decides."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import timedelta

from app.settings import Settings
from domain.model.limits import Policy
from domain.model.passwords import PasswordPolicy
from domain.model.scopes import Catalogue
from domain.model.sessions import Lifetimes
from domain.services.issuing import SessionRules
from domain.services.registration import Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator decides, in the words of the services."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    registration: Registration = Registration.OPEN
    password_grant: bool = True
    public_url: str = "http://127.0.0.1:8000"
    """What tokens name as their issuer, and mailed links begin with."""
    passwords: PasswordPolicy = PasswordPolicy()
    access_token: timedelta = timedelta(minutes=10)
    refresh: Lifetimes = Lifetimes(idle=timedelta(days=14), absolute=timedelta(days=90))
    cookie: Lifetimes = Lifetimes(idle=timedelta(minutes=60), absolute=timedelta(hours=24))
    refresh_retry_window: timedelta = timedelta(seconds=10)
    max_staleness: timedelta = timedelta(milliseconds=500)
    key_max_lifetime: timedelta | None = None
    default_limit: Policy | None = Policy(600, 60)
    anonymous_limit: Policy | None = Policy(60, 60)
    sign_in_limit: Policy | None = Policy(20, 60)
    sign_in_patience: float = 1.0
    """How long, in seconds, an attempt waits for those before it to be judged."""

    @property
    def sessions(self) -> SessionRules:
        return SessionRules(
            password_grant=self.password_grant,
            access=self.access_token,
            refresh=self.refresh,
            cookie=self.cookie,
            retry_window=self.refresh_retry_window,
        )

    @classmethod
    def of(cls, settings: Settings, *, common: Container[str] = frozenset(), catalogue: Catalogue) -> "Rules":
        """*common* are the passwords that many people have."""
        return cls(
            catalogue=catalogue,
            registration=Registration(settings.registration),
            password_grant=settings.password_grant,
            public_url=settings.public_url,
            passwords=PasswordPolicy(settings.password_min_length, common),
            access_token=settings.access_token_ttl,
            refresh=Lifetimes(idle=settings.refresh_idle, absolute=settings.refresh_absolute),
            cookie=Lifetimes(idle=settings.session_idle, absolute=settings.session_absolute),
            refresh_retry_window=settings.refresh_retry_window,
            max_staleness=settings.max_staleness,
            key_max_lifetime=settings.key_max_lifetime,
            default_limit=settings.rate_limit_default,
            anonymous_limit=settings.rate_limit_anonymous,
            sign_in_limit=settings.rate_limit_sign_in,
        )
