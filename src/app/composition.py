"""The composition root: the one module that knows which adapter stands behind which port.

``assemble(connect(settings))`` is the service. Another adapter takes a port by ``replace``:
``assemble(replace(connect(settings), limiter=MyLimiter()))``. Adapters are imported where they are chosen, so that
nobody waits for one that he does not use.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.settings import Settings
from domain.model.limits import Policy
from domain.model.passwords import PasswordPolicy
from domain.model.scopes import Catalogue
from domain.model.sessions import Lifetimes
from domain.ports.access import AccessDirectory
from domain.ports.limits import RateLimiter
from domain.ports.security import AccessTokens, KeySecrets, PasswordHasher, RefreshTokens
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.access import AccessService
from domain.services.audit import Recorder
from domain.services.keys import KeyService
from domain.services.projects import ProjectService
from domain.services.sessions import SessionService, TokenRules
from domain.services.users import Registration, UserService

Action = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """For a port that needs no start, no check and no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator decides, in the words of the services."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    registration: Registration = Registration.OPEN
    password_grant: bool = True
    passwords: PasswordPolicy = PasswordPolicy()
    access_token: timedelta = timedelta(minutes=10)
    refresh: Lifetimes = Lifetimes(idle=timedelta(days=14), absolute=timedelta(days=90))
    refresh_retry_window: timedelta = timedelta(seconds=10)
    max_staleness: timedelta = timedelta(milliseconds=500)
    key_max_lifetime: timedelta | None = None
    default_limit: Policy | None = Policy(600, 60)
    anonymous_limit: Policy | None = Policy(60, 60)

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        return cls(
            registration=Registration(settings.registration),
            password_grant=settings.password_grant,
            passwords=PasswordPolicy(settings.password_min_length),
            access_token=settings.access_token_ttl,
            refresh=Lifetimes(idle=settings.refresh_idle, absolute=settings.refresh_absolute),
            refresh_retry_window=settings.refresh_retry_window,
            max_staleness=settings.max_staleness,
            key_max_lifetime=settings.key_max_lifetime,
            default_limit=settings.rate_limit_default,
            anonymous_limit=settings.rate_limit_anonymous,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One adapter for every driven port."""

    uow: UnitOfWorkFactory
    directory: AccessDirectory
    clock: Clock
    ids: IdGenerator
    passwords: PasswordHasher
    key_secrets: KeySecrets
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    limiter: RateLimiter
    rules: Rules = field(default_factory=Rules)
    start: Action = nothing
    """Before the first request; raises when it cannot serve, such as over an old schema."""
    checks: Mapping[str, Action] = field(default_factory=dict)
    """What readiness asks; each raises while it cannot serve."""
    close: Action = nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every driving adapter is given."""

    users: UserService
    sessions: SessionService
    keys: KeyService
    projects: ProjectService
    access: AccessService
    catalogue: Catalogue
    public_keys: Callable[[], dict[str, Any]]
    new_request_id: Callable[[], str]
    start: Action
    checks: Mapping[str, Action]
    close: Action


def assemble(ports: Ports) -> Services:
    rules = ports.rules
    recorder = Recorder(clock=ports.clock, ids=ports.ids)
    return Services(
        users=UserService(
            uow=ports.uow,
            passwords=ports.passwords,
            policy=rules.passwords,
            registration=rules.registration,
            catalogue=rules.catalogue,
            recorder=recorder,
            clock=ports.clock,
            ids=ports.ids,
        ),
        sessions=SessionService(
            uow=ports.uow,
            passwords=ports.passwords,
            access_tokens=ports.access_tokens,
            refresh_tokens=ports.refresh_tokens,
            rules=TokenRules(
                password_grant=rules.password_grant,
                access=rules.access_token,
                refresh=rules.refresh,
                retry_window=rules.refresh_retry_window,
            ),
            recorder=recorder,
            clock=ports.clock,
            ids=ports.ids,
        ),
        keys=KeyService(
            uow=ports.uow,
            secrets=ports.key_secrets,
            catalogue=rules.catalogue,
            recorder=recorder,
            clock=ports.clock,
            ids=ports.ids,
            max_staleness=rules.max_staleness,
            max_lifetime=rules.key_max_lifetime,
        ),
        projects=ProjectService(uow=ports.uow, recorder=recorder, clock=ports.clock, ids=ports.ids),
        access=AccessService(
            directory=ports.directory,
            secrets=ports.key_secrets,
            access_tokens=ports.access_tokens,
            limiter=ports.limiter,
            default_limit=rules.default_limit,
            anonymous_limit=rules.anonymous_limit,
            clock=ports.clock,
        ),
        catalogue=rules.catalogue,
        public_keys=ports.access_tokens.public_keys,
        new_request_id=lambda: str(ports.ids.new()),
        start=ports.start,
        checks=ports.checks,
        close=ports.close,
    )


def connect(settings: Settings, *, workers: int = 1) -> Ports:
    """The adapters that *settings* ask for, in one of *workers* processes. Nothing is opened before `Ports.start`."""
    from adapters.memory.limits import MemoryRateLimiter
    from adapters.security.access_tokens import EdDsaAccessTokens
    from adapters.security.key_secrets import HmacKeySecrets
    from adapters.security.passwords import Argon2Passwords
    from adapters.security.refresh_tokens import SealedRefreshTokens
    from adapters.security.roots import RootSecrets
    from adapters.system import SystemClock, Uuid7Generator

    clock, ids, rules = SystemClock(), Uuid7Generator(), Rules.of(settings)
    roots = RootSecrets([secret.reveal() for secret in settings.secrets])
    passwords = Argon2Passwords(roots)
    storage = _memory(rules, clock) if settings.database.kind == "memory" else _sql(settings, rules, clock)

    async def close() -> None:
        passwords.close()
        await storage.close()

    return Ports(
        uow=storage.uow,
        directory=storage.directory,
        clock=clock,
        ids=ids,
        passwords=passwords,
        key_secrets=HmacKeySecrets(roots, prefix=settings.key_prefix),
        access_tokens=EdDsaAccessTokens(roots, issuer=settings.public_url, clock=clock, ids=ids),
        refresh_tokens=SealedRefreshTokens(roots),
        limiter=MemoryRateLimiter(share=workers),
        rules=rules,
        start=storage.check,
        checks={"database": storage.check},
        close=close,
    )


def migrations(settings: Settings) -> Any:
    """What advanced-alchemy's commands need to know of the database; None for memory."""
    from adapters.sql.schema import migration_config

    return None if settings.database.kind == "memory" else migration_config(_target(settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    uow: UnitOfWorkFactory
    directory: AccessDirectory
    check: Action = nothing
    close: Action = nothing


def _memory(rules: Rules, clock: Clock) -> _Storage:
    from adapters.memory import MemoryAccessDirectory, MemoryDatabase

    database = MemoryDatabase()
    return _Storage(uow=database.unit_of_work, directory=MemoryAccessDirectory(database, rules.catalogue, clock))


def _sql(settings: Settings, rules: Rules, clock: Clock) -> _Storage:
    from adapters.sql import SqlAccessDirectory, SqlUnitOfWorkFactory, open_database, require_current

    database = open_database(_target(settings))

    async def check() -> None:
        await require_current(database)

    return _Storage(
        uow=SqlUnitOfWorkFactory(database),
        directory=SqlAccessDirectory(database, rules.catalogue, clock),
        check=check,
        close=database.close,
    )


def _target(settings: Settings) -> Any:
    database = settings.database
    return database.path if database.dsn is None else database.dsn.reveal()
