"""The other half of the composition root: adapters that talk to servers which others run, or stand in for one."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.ports import Action, nothing
from app.readings import Reading, of_fallback
from app.settings import Settings
from domain.ports.identity_providers import IdentityProviders
from domain.ports.limits import RateLimiter
from domain.ports.mails import MailSender
from domain.ports.system import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    limiter: RateLimiter
    checks: Mapping[str, Action] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    close: Action = nothing


def limits_of(settings: Settings) -> Limits:
    from adapters.memory.limits import MemoryRateLimiter

    local = MemoryRateLimiter(share=settings.workers)
    if settings.redis_url is None:
        return Limits(limiter=local)
    from adapters.fallback_limits import FallbackRateLimiter
    from adapters.redis import RedisRateLimiter

    shared = RedisRateLimiter(settings.redis_url.reveal())
    limiter = FallbackRateLimiter(shared, local)
    return Limits(limiter=limiter, checks={"redis": limiter.check}, readings=of_fallback(limiter), close=shared.close)


def providers_of(settings: Settings, clock: Clock) -> IdentityProviders:
    if not settings.oidc:
        return {}
    from adapters.oidc import OpenIdProvider

    return {
        name: OpenIdProvider(
            issuer=given.issuer,
            client_id=given.client_id,
            client_secret=None if given.client_secret is None else given.client_secret.reveal(),
            scopes=given.scopes,
            register_prompt=given.register_prompt,
            clock=clock,
        )
        for name, given in settings.oidc.items()
    }


def mail_of(settings: Settings) -> MailSender:
    from adapters.unsent_mail import RefusingMailSender, ShownMailSender

    if settings.smtp_url is not None and settings.mail_from is not None:
        from adapters.smtp import SmtpMailSender

        return SmtpMailSender(settings.smtp_url.reveal(), settings.mail_from)
    if settings.env == "development":
        return ShownMailSender(sys.stderr, settings.log_format)
    return RefusingMailSender()
