from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from domain.model.actors import Actor
from domain.model.changes import Unset, require_version
from domain.model.ids import KeyId, UserId
from domain.model.keys import KEY_FIELDS, IssuedKey, Key, KeyCard, Receipt, RotatedKey, grace_period
from domain.model.permissions import KeyPermission
from domain.model.queries import Page, Query
from domain.model.scopes import Catalogue
from domain.ports.security import KeySecrets
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.key_requests import KeyEdit, KeyRequest
from domain.services.meanings import Meanings
from domain.services.retries import settled

LIVE_KEYS_PER_OWNER = 100


class KeyService:
    """Nobody makes, changes or gets a secret of a key that may do more than they; whoever acts as another, of none."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        secrets: KeySecrets,
        catalogue: Catalogue,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
        max_staleness: timedelta,
        max_lifetime: timedelta | None = None,
        live_per_owner: int = LIVE_KEYS_PER_OWNER,
    ) -> None:
        self._uow = uow
        self._secrets = secrets
        self._meanings = Meanings(uow=uow, catalogue=catalogue)
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._max_staleness = max_staleness
        self._max_lifetime = max_lifetime
        self._live_per_owner = live_per_owner

    async def create(self, actor: Actor, request: KeyRequest, once: Once[IssuedKey] = REPEATEDLY) -> IssuedKey:
        """Raises PermissionDenied, ForbiddenInImpersonation, Invalid, ScopeExceedsMinter, QuotaReached."""
        actor.require(KeyPermission.CREATE)
        actor.require_themselves()
        return await self._create(actor, actor.owner(), request, once)

    async def create_for(self, actor: Actor, owner_id: UserId, request: KeyRequest) -> IssuedKey:
        """For the system, which owns nothing itself.

        Raises CredentialKindNotAllowed for everybody else, Invalid, UserNotFound, QuotaReached.
        """
        actor.require_system()
        return await self._create(actor, owner_id, request, REPEATEDLY)

    async def get(self, actor: Actor, key_id: KeyId) -> KeyCard:
        """Raises PermissionDenied, KeyNotFound."""
        actor.require(KeyPermission.READ)
        async with self._uow.reading() as work:
            return self._card(await self._visible(work, actor, key_id))

    async def get_self(self, actor: Actor) -> KeyCard:
        """The key that calls; it needs no permission for that. Raises CredentialKindNotAllowed for other actors."""
        async with self._uow.reading() as work:
            return self._card(await work.keys.get(actor.own_key()))

    async def list(self, actor: Actor, query: Query) -> Page[KeyCard]:
        """The keys that *actor* may see. Raises PermissionDenied, Invalid."""
        actor.require(KeyPermission.READ)
        checked = replace(query.within(KEY_FIELDS), now=self._clock.now())
        owner_id = None if actor.may(KeyPermission.ANY) else actor.owner()
        async with self._uow.reading() as work:
            page = await work.keys.list_by_owner(owner_id, checked)
        return page.map(self._card)

    async def update(
        self, actor: Actor, key_id: KeyId, edit: KeyEdit, *, expected: Collection[int] | None = None
    ) -> KeyCard:
        """*expected* are the versions that the caller has read, None is whichever; here and below.

        Raises PermissionDenied, ForbiddenInImpersonation, Invalid, KeyNotFound, PreconditionFailed, KeyEnded,
        ScopeExceedsMinter, EditConflict.
        """
        actor.require(KeyPermission.UPDATE)
        actor.require_themselves()
        now = self._clock.now()
        scopes = () if isinstance(edit.scopes, Unset) else edit.scopes
        change = edit.parsed(await self._meanings.asked_for(scopes), now=now)
        async with self._uow() as work:
            key = await self._visible(work, actor, key_id)
            require_version(key.version, expected)
            edited = key.edit(change, longest=self._max_lifetime, now=now)
            await self._meanings.require_within(work, actor, edited, before=key)
            saved = await work.keys.save(edited)
            await self._recorder.record(work, actor, "api_key.updated", key.id, key.difference(edited))
        return self._card(saved)

    async def rotate(
        self,
        actor: Actor,
        key_id: KeyId,
        *,
        grace: str = "0s",
        expected: Collection[int] | None = None,
        once: Once[RotatedKey] = REPEATEDLY,
    ) -> RotatedKey:
        """A new secret; the last one is good for *grace* more, such as ``24h``, and at most two are at any time.

        Raises PermissionDenied, ForbiddenInImpersonation, Invalid, KeyNotFound, PreconditionFailed, KeyEnded,
        ScopeExceedsMinter, EditConflict.
        """
        actor.require(KeyPermission.ROTATE)
        actor.require_themselves()
        period = grace_period(grace)
        minted = self._secrets.mint(key_id)
        async with self._uow() as work:
            key = await self._visible(work, actor, key_id)
            require_version(key.version, expected)
            rotated = key.rotate(
                digest=minted.digest,
                pepper_id=minted.pepper_id,
                last4=minted.last4,
                grace=period,
                now=self._clock.now(),
            )
            await self._meanings.require_within(work, actor, rotated, before=key)
            saved = await work.keys.save_secrets(rotated)
            changes = {"version": rotated.newest.version, "grace": grace}
            await self._recorder.record(work, actor, "api_key.rotated", key.id, changes)
            told = RotatedKey(self._card(saved), minted.plain, self._effective_at())
            await once.draft(work, told)
        return replace(told, effective_at=self._effective_at())

    async def suspend(self, actor: Actor, key_id: KeyId, *, expected: Collection[int] | None = None) -> Receipt:
        """Until it is resumed; said again, it changes nothing.

        Raises PermissionDenied, ForbiddenInImpersonation, KeyNotFound, PreconditionFailed, KeyEnded, EditConflict.
        """
        actor.require(KeyPermission.UPDATE)
        return await self._turned(actor, key_id, "suspended", lambda key: key.suspend(now=self._clock.now()), expected)

    async def resume(self, actor: Actor, key_id: KeyId, *, expected: Collection[int] | None = None) -> Receipt:
        """Said again, it changes nothing. Raises as `suspend` does, and ScopeExceedsMinter."""
        actor.require(KeyPermission.UPDATE)
        return await self._turned(
            actor, key_id, "resumed", lambda key: key.resume(now=self._clock.now()), expected, lifts=True
        )

    async def revoke(self, actor: Actor, key_id: KeyId, *, expected: Collection[int] | None = None) -> Receipt:
        """Final; said again, it changes nothing.

        Raises PermissionDenied, ForbiddenInImpersonation, KeyNotFound, PreconditionFailed, EditConflict.
        """
        actor.require(KeyPermission.REVOKE)
        return await self._turned(actor, key_id, "revoked", lambda key: key.revoke(now=self._clock.now()), expected)

    async def revoke_self(self, actor: Actor) -> None:
        """The newest secret ends the key that calls, an older one only itself. It needs no permission for that.

        Raises CredentialKindNotAllowed for other actors, KeyNotFound, EditConflict.
        """
        await settled(partial(self._end_secret, actor, actor.own_key()))

    async def delete(self, actor: Actor, key_id: KeyId, *, expected: Collection[int] | None = None) -> None:
        """The trail still tells of it.

        Raises PermissionDenied, ForbiddenInImpersonation, KeyNotFound, PreconditionFailed, EditConflict.
        """
        actor.require(KeyPermission.DELETE)
        actor.require_themselves()

        async def deleted() -> None:
            async with self._uow() as work:
                key = await self._visible(work, actor, key_id)
                require_version(key.version, expected)
                await work.keys.delete(key)
                await self._recorder.record(work, actor, "api_key.deleted", key.id, {"name": key.name})

        await settled(deleted)

    async def _create(self, actor: Actor, owner_id: UserId, request: KeyRequest, once: Once[IssuedKey]) -> IssuedKey:
        now, key_id = self._clock.now(), KeyId(self._ids.new())
        minted, catalogue = self._secrets.mint(key_id), await self._meanings.asked_for(request.scopes)
        key = request.parsed(key_id, owner_id, minted, catalogue, now=now, longest=self._max_lifetime)
        async with self._uow() as work:
            await self._meanings.require_within(work, actor, key)
            await work.keys.add(key, live_at_most=self._live_per_owner, now=now)
            await self._recorder.record(work, actor, "api_key.created", key.id, {"scopes": sorted(key.scopes)})
            await once.keep(work, issued := IssuedKey(self._card(key), minted.plain))
        return issued

    async def _turned(
        self,
        actor: Actor,
        key_id: KeyId,
        verb: str,
        turn: Callable[[Key], Key],
        expected: Collection[int] | None,
        *,
        lifts: bool = False,
    ) -> Receipt:
        """What *lifts* a key is not done by those who may do less than it. What is said again is told to all again."""
        actor.require_themselves()

        async def turned() -> Key:
            async with self._uow() as work:
                key = await self._visible(work, actor, key_id)
                require_version(key.version, expected)
                if lifts:
                    await self._meanings.require_within(work, actor, key, before=key)
                if (after := turn(key)) is key:
                    await work.keys.announce(key.id)
                    return key
                saved = await work.keys.save(after)
                await self._recorder.record(work, actor, f"api_key.{verb}", key.id)
            return saved

        return Receipt(self._card(await settled(turned)), self._effective_at())

    async def _end_secret(self, actor: Actor, key_id: KeyId) -> None:
        """An older secret that is ended is a change of its own in the trail, under the name of what it is."""
        version = actor.secret_version or 0
        async with self._uow() as work:
            key = await work.keys.get(key_id)
            if (after := key.end_secret(version, now=self._clock.now())) is key:
                return
            await work.keys.save_secrets(after)
            await self._recorder.record(work, actor, "api_key.revoked", key.id, {"version": version})

    def _effective_at(self) -> datetime:
        """Asked once COMMIT has returned."""
        return self._clock.now() + self._max_staleness

    def _card(self, key: Key) -> KeyCard:
        return KeyCard(key, key.status(now=self._clock.now()), self._secrets.prefix_of(key.id))

    async def _visible(self, work: UnitOfWork, actor: Actor, key_id: KeyId) -> Key:
        return (await work.keys.get(key_id)).visible_to(actor)
