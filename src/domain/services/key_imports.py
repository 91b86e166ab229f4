from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.errors import DomainError, EditConflict, Invalid, KeyNotFound
from domain.model.actors import Actor
from domain.model.ids import UserId
from domain.model.keys import ForeignDigest, Key
from domain.model.users import email_address
from domain.ports.security import ImportedSecrets, MintedSecret
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.key_requests import KeyRequest
from domain.services.keys import LIVE_KEYS_PER_OWNER
from domain.services.meanings import Meanings
from domain.services.retries import settled


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyImport:
    """A key of another service; *line* is where it stands."""

    line: int
    owner: str
    foreign: ForeignDigest
    request: KeyRequest
    last4: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class RefusedLine:
    line: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """*present* were imported before, and stay as they are."""

    imported: tuple[Key, ...] = ()
    present: tuple[Key, ...] = ()
    refused: tuple[RefusedLine, ...] = ()


_Parsed = Sequence[tuple[int, Key]]


class KeyImports:
    """All of a file is imported, or with *skip_refused* what can be; what was imported before is left alone."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        imported: ImportedSecrets,
        meanings: Meanings,
        recorder: Recorder,
        clock: Clock,
        max_lifetime: timedelta | None = None,
        live_per_owner: int = LIVE_KEYS_PER_OWNER,
    ) -> None:
        self._uow = uow
        self._imported = imported
        self._meanings = meanings
        self._recorder = recorder
        self._clock = clock
        self._max_lifetime = max_lifetime
        self._live_per_owner = live_per_owner

    async def run(
        self,
        actor: Actor,
        asked: Iterable[KeyImport],
        *,
        refused: Sequence[RefusedLine] = (),
        skip_refused: bool = False,
        dry_run: bool = False,
    ) -> ImportReport:
        """*refused* are lines that could not even be read. Nothing is kept in a dry run, or where a line is refused.

        Raises CredentialKindNotAllowed for everybody but the system, Unavailable.
        """
        actor.require_system()
        parsed, more = await self._parsed(asked)
        report = ImportReport(refused=(*refused, *more))
        batches = [[one] for one in parsed] if skip_refused else [parsed]
        if not report.refused or skip_refused:
            for batch in batches:
                report = await self._kept(actor, batch, report, dry_run=dry_run)
        return replace(report, refused=tuple(sorted(report.refused, key=lambda refused: refused.line)))

    async def _parsed(self, asked: Iterable[KeyImport]) -> tuple[_Parsed, list[RefusedLine]]:
        keys: dict[object, tuple[int, Key]] = {}
        refused = []
        for one in asked:
            try:
                key = await self._key(one)
                if key.id in keys:
                    raise Invalid("digest", f"is that of line {keys[key.id][0]}")
                keys[key.id] = one.line, key
            except DomainError as refusal:
                refused.append(RefusedLine(one.line, str(refusal)))
        return list(keys.values()), refused

    async def _key(self, one: KeyImport) -> Key:
        now, kept = self._clock.now(), self._imported.keep(one.foreign)
        minted = MintedSecret("", kept.digest, kept.pepper_id, one.last4)
        catalogue = await self._meanings.asked_for(one.request.scopes)
        owner_id = await self._owner(one.owner)
        key = one.request.parsed(kept.key_id, owner_id, minted, catalogue, now=now, longest=self._max_lifetime)
        return key if one.is_active else key.suspend(now=now)

    async def _owner(self, email: str) -> UserId:
        async with self._uow.reading() as work:
            owner = await work.users.find_by_email(email_address(email, "owner"))
        if owner is None:
            raise Invalid("owner", f"there is no user {email!r}")
        return owner.id

    async def _kept(self, actor: Actor, batch: _Parsed, report: ImportReport, *, dry_run: bool) -> ImportReport:
        """*report* and what became of *batch*, in one unit of work; begun anew where another import was faster."""
        return await settled(lambda: self._kept_once(actor, batch, report, dry_run=dry_run))

    async def _kept_once(self, actor: Actor, batch: _Parsed, report: ImportReport, *, dry_run: bool) -> ImportReport:
        imported, present = [], []
        line = 0
        try:
            async with self._uow() as work:
                for line, key in batch:  # noqa: B007 - which line it was is asked for afterwards
                    if (before := await _find(work, key)) is not None:
                        present.append(before)
                        continue
                    await self._keep(work, actor, key)
                    imported.append(key)
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        except EditConflict:
            raise
        except DomainError as refusal:
            return replace(report, refused=(*report.refused, RefusedLine(line, str(refusal))))
        return replace(report, imported=(*report.imported, *imported), present=(*report.present, *present))

    async def _keep(self, work: UnitOfWork, actor: Actor, key: Key) -> None:
        await work.keys.add(key, live_at_most=self._live_per_owner, now=key.created_at)
        await self._recorder.record(work, actor, "api_key.imported", key.id, {"scopes": sorted(key.scopes)})


class _DryRun(Exception):
    """All went well, and nothing of it is to stay."""


async def _find(work: UnitOfWork, key: Key) -> Key | None:
    try:
        return await work.keys.get(key.id)
    except KeyNotFound:
        return None
