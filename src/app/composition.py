"""The composition root: the one module that knows which adapter stands behind which port.

``assemble(connect(settings))`` is the service. Another adapter takes a port by ``replace``:
``assemble(replace(connect(settings), limiter=MyLimiter()))``. Adapters are imported where they are chosen, so that
nobody waits for one that he does not use.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from app.assembly import assemble
from app.background import Job
from app.outside import limits_of, mail_of, providers_of
from app.ports import Action, Ports, nothing
from app.readings import Reading, of_databases, of_directory, of_limiter, of_lookups, of_passwords
from app.rules import Rules
from app.services import Services
from app.settings import Settings
from domain.model.ids import KeyId
from domain.model.leases import LeaseTerms
from domain.model.presented import PresentedKey
from domain.model.scopes import Catalogue
from domain.ports.access import AccessChanges, AccessDirectory
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory

if TYPE_CHECKING:
    from adapters.sql import Branch
    from adapters.sql.traced import Spans

__all__ = (
    "Action",
    "KeyFormat",
    "Ports",
    "Rules",
    "Services",
    "assemble",
    "connect",
    "counted",
    "key_format",
    "migrations",
    "nothing",
)


def connect(
    settings: Settings,
    *,
    clock: Clock | None = None,
    catalogue: Catalogue | None = None,
    branches: "Iterable[Branch]" = (),
    spans: "Spans | None" = None,
) -> Ports:
    """The adapters that *settings* ask for, in one of their processes. Nothing is opened before `Ports.start`.

    They go by *clock*, if it is given, and else by the machine's. An extension gives the *catalogue* of what can be
    allowed, its own permissions included, and the *branches* of its own tables. With *spans* what the database is asked
    is traced.
    """
    from adapters.security.access_tokens import EdDsaAccessTokens
    from adapters.security.common_passwords import CommonPasswords
    from adapters.security.cursors import SignedCursors
    from adapters.security.devices import SignedDevices
    from adapters.security.handshakes import HmacHandshakes
    from adapters.security.idempotency import AesIdempotencySeals
    from adapters.security.imported_secrets import SealedImportedSecrets
    from adapters.security.key_secrets import HmacKeySecrets
    from adapters.security.one_time_secrets import OpaqueOneTimeSecrets
    from adapters.security.passwords import Argon2Passwords
    from adapters.security.refresh_tokens import SealedRefreshTokens
    from adapters.security.roots import RootSecrets
    from adapters.security.session_cookies import OpaqueSessionCookies
    from adapters.security.webhook_signatures import HmacWebhookSignatures
    from adapters.system import SystemClock, Uuid7Generator

    clock, ids, branches = clock or SystemClock(), Uuid7Generator(), tuple(branches)
    rules = Rules.of(settings, common=CommonPasswords(), catalogue=catalogue or Catalogue())
    roots = RootSecrets([secret.reveal() for secret in settings.secrets])
    passwords = Argon2Passwords(roots)
    hooks = {source: [secret.reveal() for secret in given] for source, given in settings.webhook_secrets.items()}
    memory = settings.database.kind == "memory"
    storage = _memory(rules, clock) if memory else _sql(settings, rules, clock, branches, spans)
    limits = limits_of(settings)

    async def close() -> None:
        passwords.close()
        await limits.close()
        await storage.close()

    ports = Ports(
        uow=storage.uow,
        directory=storage.directory,
        changes=storage.changes,
        webhook_signatures=HmacWebhookSignatures(hooks, clock=clock),
        jobs=storage.jobs,
        clock=clock,
        ids=ids,
        passwords=passwords,
        key_secrets=HmacKeySecrets(roots, prefix=settings.key_prefix),
        imported_secrets=SealedImportedSecrets(roots, pool=passwords.pool, prefix=settings.key_prefix),
        access_tokens=EdDsaAccessTokens(roots, issuer=settings.public_url, clock=clock, ids=ids),
        refresh_tokens=SealedRefreshTokens(roots),
        cookies=OpaqueSessionCookies(roots),
        one_time_secrets=OpaqueOneTimeSecrets(),
        devices=SignedDevices(roots, clock=clock),
        cursors=SignedCursors(roots),
        idempotency_seals=AesIdempotencySeals(roots),
        handshakes=HmacHandshakes(),
        identity_providers=providers_of(settings, clock),
        limiter=limits.limiter,
        mail=mail_of(settings),
        rules=rules,
        storage="memory" if settings.database.kind == "memory" else "sql",
        branches=branches,
        start=storage.check,
        checks=storage.checks,
        optional_checks=limits.checks,
        readings=(*storage.readings, *limits.readings, *of_passwords(passwords.pool)),
        close=close,
    )
    return ports if settings.metrics_token is None else counted(ports)


def counted(ports: Ports) -> Ports:
    """The same, which say besides how often they were asked; it costs each request a little."""
    from adapters.counted import CountedDirectory, CountedLimiter

    directory, limiter = CountedDirectory(ports.directory), CountedLimiter(ports.limiter)
    readings = (*ports.readings, *of_lookups(directory), *of_limiter(limiter))
    return replace(ports, directory=directory, limiter=limiter, readings=readings)


class KeyFormat(Protocol):
    """What keys look like, for whoever looks for them; *pattern* is a regular expression that needs the checksum."""

    pattern: str

    def read(self, plain: str) -> PresentedKey | None: ...

    def prefix_of(self, key_id: KeyId) -> str: ...


def key_format(prefix: str) -> KeyFormat:
    """It needs no secret and opens nothing. Raises ValueError for a prefix that none can have."""
    from adapters.security.key_secrets import KeyFormat

    return KeyFormat(prefix)


def migrations(settings: Settings, branches: "Iterable[Branch]" = ()) -> list[Any]:
    """What advanced-alchemy's commands need to know of our own tables and of *branches*; nothing for memory."""
    from adapters.sql.schema import SCHEMA, migration_config

    if settings.database.kind == "memory":
        return []
    return [migration_config(_target(settings), branch) for branch in (SCHEMA, *branches)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    uow: UnitOfWorkFactory
    directory: AccessDirectory
    changes: AccessChanges
    jobs: tuple[Job, ...] = ()
    readings: tuple[Reading, ...] = ()
    check: Action = nothing
    """That it can serve."""
    checks: Mapping[str, Action] = field(default_factory=lambda: {"database": nothing})
    """The same, piece by piece."""
    close: Action = nothing


def _memory(rules: Rules, clock: Clock) -> _Storage:
    from adapters.memory import MemoryAccessDirectory, MemoryDatabase

    database = MemoryDatabase()
    directory = MemoryAccessDirectory(database, rules.catalogue, clock)
    return _Storage(uow=database.unit_of_work, directory=directory, changes=database.changes)


def _sql(
    settings: Settings, rules: Rules, clock: Clock, branches: "Iterable[Branch]", spans: "Spans | None"
) -> _Storage:
    from adapters.leases import LeasedDirectory
    from adapters.sql import (
        Database,
        SchemaNotCurrent,
        SqlAccessChanges,
        SqlAccessDirectory,
        SqlUnitOfWorkFactory,
        TracedDatabase,
        open_database,
        require_current,
    )

    def opened() -> Database:
        return open_database(target) if spans is None else TracedDatabase(open_database(target), spans)

    target, terms = _target(settings), LeaseTerms(promise=rules.max_staleness)
    database, changes = opened(), SqlAccessChanges.at(target)
    asked = opened()  # of its own: who may come in is not asked behind what others write
    source = SqlAccessDirectory(asked, rules.catalogue, clock)
    directory = LeasedDirectory(source, changes, clock=clock, terms=terms)

    async def check() -> None:
        await require_current(database, branches)

    async def answers() -> None:
        with suppress(SchemaNotCurrent):
            await check()

    async def close() -> None:
        await changes.close()
        await asked.close()
        await database.close()

    return _Storage(
        uow=SqlUnitOfWorkFactory(database, directory.heard),
        directory=directory,
        changes=changes,
        jobs=(Job(name="access", run=directory.follow, period=terms.period * 0.9, jitter=0.1, longest=terms.period),),
        readings=(*of_directory(directory), *of_databases(work=database, access=asked)),
        check=check,
        checks={"database": answers, "schema": check},
        close=close,
    )


def _target(settings: Settings) -> Any:
    database = settings.database
    return database.path if database.dsn is None else database.dsn.reveal()
