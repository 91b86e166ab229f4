"""One adapter for every driven port: what the services stand on, and what an extension may put another in place of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.background import Job
from app.readings import Reading
from app.rules import Rules
from domain.ports.access import AccessChanges, AccessDirectory
from domain.ports.identity_providers import Handshakes, IdentityProviders
from domain.ports.limits import RateLimiter
from domain.ports.mails import MailSender
from domain.ports.security import (
    AccessTokens,
    Cursors,
    Devices,
    IdempotencySeals,
    ImportedSecrets,
    KeySecrets,
    OneTimeSecrets,
    PasswordHasher,
    RefreshTokens,
    SessionCookies,
)
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.ports.webhooks import WebhookHandlers, WebhookSignatures

Action = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """For a port that needs no start, no check and no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One adapter for every driven port."""

    uow: UnitOfWorkFactory
    directory: AccessDirectory
    clock: Clock
    ids: IdGenerator
    passwords: PasswordHasher
    key_secrets: KeySecrets
    imported_secrets: ImportedSecrets
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    cookies: SessionCookies
    one_time_secrets: OneTimeSecrets
    devices: Devices
    cursors: Cursors
    idempotency_seals: IdempotencySeals
    handshakes: Handshakes
    limiter: RateLimiter
    mail: MailSender
    changes: AccessChanges
    webhook_signatures: WebhookSignatures
    webhook_handlers: WebhookHandlers = field(default_factory=dict)
    """Who reacts to what: ``{("github", "push"): OnPush(), ("shop", None): OnAnything()}``."""
    identity_providers: IdentityProviders = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    jobs: tuple[Job, ...] = ()
    """What the adapters do in the background while the service runs."""
    storage: Literal["memory", "sql"] = "memory"
    """What `UnitOfWork.own` stands a repository on: tables in memory, or a connection."""
    branches: tuple[Any, ...] = ()
    """The histories of the tables that extensions have of their own."""
    start: Action = nothing
    """Before the first request; raises when it cannot serve, such as over an old schema."""
    checks: Mapping[str, Action] = field(default_factory=dict)
    """What readiness asks; each raises while it cannot serve."""
    optional_checks: Mapping[str, Action] = field(default_factory=dict)
    """What readiness asks too; each raises while the service has to do without, and serves all the same."""
    readings: tuple[Reading, ...] = ()
    """What can be read of the adapters while they run."""
    close: Action = nothing
