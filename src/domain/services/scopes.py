from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.errors import BuiltIn, PreconditionFailed, ScopeInUse, ScopeNotFound
from domain.model.actors import Actor
from domain.model.changes import require_version
from domain.model.ids import ScopeId
from domain.model.permissions import ScopePermission
from domain.model.roles import known_permissions
from domain.model.scopes import Catalogue, Scope, scope_name
from domain.model.texts import description_text
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.retries import settled

SCOPES_IN_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCard:
    """What a name means; *version* is None for what is built in."""

    name: str
    permissions: frozenset[str]
    description: str | None = None
    version: int | None = None
    is_new: bool = False


class ScopeService:
    """Nobody defines or changes what allows more than they may themselves; what is built in stays."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        catalogue: Catalogue,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
        in_all: int = SCOPES_IN_ALL,
    ) -> None:
        self._uow = uow
        self._catalogue = catalogue
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._in_all = in_all

    async def list(self, actor: Actor) -> tuple[ScopeCard, ...]:
        """By name; all but those of a single permission. Raises PermissionDenied."""
        actor.require(ScopePermission.READ)
        async with self._uow.reading() as work:
            defined = map(self._card, await work.scopes.list())
        cards = {card.name: card for card in (*defined, *map(self._built_in, self._catalogue.scopes))}
        return tuple(cards[name] for name in sorted(cards))

    async def get(self, actor: Actor, name: str) -> ScopeCard:
        """Raises PermissionDenied, ScopeNotFound."""
        actor.require(ScopePermission.READ)
        if self._catalogue.has(name):
            return self._built_in(name)
        async with self._uow.reading() as work:
            return self._card(await self._defined(work, scope_name(name)))

    async def put(
        self,
        actor: Actor,
        name: str,
        *,
        permissions: Iterable[str],
        description: str | None = None,
        expected: Collection[int] | None = None,
    ) -> ScopeCard:
        """Define *name*, or give it another meaning: for every key that holds it. *expected* are the versions that the
        caller has read.

        Raises PermissionDenied, ForbiddenInImpersonation, Invalid, BuiltIn, NotFound for a name that none can have,
        ScopeExceedsActor, PreconditionFailed, QuotaReached, EditConflict.
        """
        self._require_manager(actor, name)
        allowed = known_permissions(permissions, self._catalogue.permissions)
        text, wanted = description_text(description), scope_name(name)

        async def kept() -> ScopeCard:
            async with self._uow() as work:
                if (scope := await work.scopes.find(wanted)) is not None:
                    require_version(scope.version, expected)
                    after = scope.redefine(permissions=allowed, description=text, now=self._clock.now())
                    return await self._redefined(work, actor, scope, after)
                if expected is not None:
                    raise PreconditionFailed
                return await self._added(work, actor, wanted, allowed, text)

        return await settled(kept)

    async def delete(
        self, actor: Actor, name: str, *, force: bool = False, expected: Collection[int] | None = None
    ) -> None:
        """With *force* it is taken from the keys that hold it.

        Raises PermissionDenied, ForbiddenInImpersonation, BuiltIn, ScopeNotFound, ScopeExceedsActor,
        PreconditionFailed, ScopeInUse, EditConflict.
        """
        self._require_manager(actor, name)
        async with self._uow() as work:
            scope = await self._defined(work, scope_name(name))
            scope.require_within(actor)
            require_version(scope.version, expected)
            if not force and await work.scopes.has_key(scope.name):
                raise ScopeInUse
            await work.scopes.delete(scope)
            await self._recorder.record(work, actor, "scope.deleted", scope.id, {"name": scope.name})

    async def _added(
        self, work: UnitOfWork, actor: Actor, name: str, permissions: frozenset[str], description: str | None
    ) -> ScopeCard:
        now = self._clock.now()
        scope = Scope(
            id=ScopeId(self._ids.new()),
            name=name,
            permissions=permissions,
            description=description,
            created_at=now,
            updated_at=now,
        )
        scope.require_within(actor)
        await work.scopes.add(scope, at_most=self._in_all)
        changes = {"name": name, "permissions": sorted(permissions)}
        await self._recorder.record(work, actor, "scope.created", scope.id, changes)
        return self._card(scope, is_new=True)

    async def _redefined(self, work: UnitOfWork, actor: Actor, scope: Scope, after: Scope) -> ScopeCard:
        for meaning in (scope, after):
            meaning.require_within(actor)
        saved = await work.scopes.save(after)
        changes = {"name": scope.name, **scope.difference(after)}
        await self._recorder.record(work, actor, "scope.updated", scope.id, changes)
        return self._card(saved)

    def _require_manager(self, actor: Actor, name: str) -> None:
        actor.require(ScopePermission.MANAGE)
        actor.require_themselves()
        if self._catalogue.has(name):
            raise BuiltIn

    async def _defined(self, work: UnitOfWork, name: str) -> Scope:
        if (scope := await work.scopes.find(name)) is None:
            raise ScopeNotFound
        return scope

    def _built_in(self, name: str) -> ScopeCard:
        return ScopeCard(name=name, permissions=self._catalogue.permissions_of([name]))

    def _card(self, scope: Scope, *, is_new: bool = False) -> ScopeCard:
        return ScopeCard(
            name=scope.name,
            permissions=scope.permissions & self._catalogue.permissions,
            description=scope.description,
            version=scope.version,
            is_new=is_new,
        )
