from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.model.actors import Actor
from domain.model.changes import require_version
from domain.model.durations import duration
from domain.model.ids import KeyId, ProjectId
from domain.model.keys import (
    KEY_SORTS,
    IssuedKey,
    Key,
    KeyCard,
    Revocation,
    SecretVersion,
    expiry,
    metadata,
    networks,
    project_ids,
    require_within,
)
from domain.model.limits import policies
from domain.model.permissions import KeyPermission
from domain.model.queries import Page, Query
from domain.model.scopes import Catalogue
from domain.model.texts import description_text, name_text
from domain.ports.security import KeySecrets
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.retries import settled

LIVE_KEYS_PER_OWNER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A key as somebody asks for it; nothing here is checked yet."""

    name: str
    scopes: Sequence[str]
    description: str | None = None
    expires_at: datetime | None = None
    expires_in: str | None = None
    metadata: Mapping[str, object] | None = None
    limits: Iterable[str] = ()
    allowed_networks: Iterable[str] = ()
    project_ids: Iterable[ProjectId] = ()


class KeyService:
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
        self._catalogue = catalogue
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._max_staleness = max_staleness
        self._max_lifetime = max_lifetime
        self._live_per_owner = live_per_owner

    async def create(self, actor: Actor, request: KeyRequest) -> IssuedKey:
        """Raises PermissionDenied, ForbiddenInImpersonation, Invalid, ScopeExceedsMinter, QuotaReached."""
        actor.require(KeyPermission.CREATE)
        actor.require_themselves()
        now = self._clock.now()
        key, plain = self._minted(actor, request, now)
        require_within(
            actor,
            permissions=self._catalogue.permissions_of(key.scopes),
            expires_at=key.expires_at,
            project_ids=key.project_ids,
        )
        async with self._uow() as work:
            await work.keys.add(key, live_at_most=self._live_per_owner, now=now)
            await self._recorder.record(work, actor, "api_key.created", key.id, {"scopes": sorted(key.scopes)})
        return IssuedKey(self._card(key), plain)

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
        checked = query.sorted_by(KEY_SORTS)
        owner_id = None if actor.may(KeyPermission.ANY) else actor.owner()
        async with self._uow.reading() as work:
            page = await work.keys.list_by_owner(owner_id, checked)
        return Page(tuple(map(self._card, page.items)), page.total)

    async def revoke(self, actor: Actor, key_id: KeyId, *, expected: Collection[int] | None = None) -> Revocation:
        """Final; said again, it changes nothing. *expected* are the versions that the caller has read.

        Raises PermissionDenied, ForbiddenInImpersonation, KeyNotFound, PreconditionFailed, EditConflict.
        """
        actor.require(KeyPermission.REVOKE)
        actor.require_themselves()
        revoked = await settled(lambda: self._revoked(actor, key_id, expected))
        return Revocation(self._card(revoked), self._clock.now() + self._max_staleness)

    async def _revoked(self, actor: Actor, key_id: KeyId, expected: Collection[int] | None) -> Key:
        async with self._uow() as work:
            key = await self._visible(work, actor, key_id)
            require_version(key.version, expected)
            revoked = key.revoke(now=self._clock.now())
            if revoked is key:
                return key
            saved = await work.keys.save(revoked)
            await self._recorder.record(work, actor, "api_key.revoked", key.id)
        return saved

    def _minted(self, actor: Actor, request: KeyRequest, now: datetime) -> tuple[Key, str]:
        key_id = KeyId(self._ids.new())
        minted = self._secrets.mint(key_id)
        secret = SecretVersion(
            version=1, digest=minted.digest, pepper_id=minted.pepper_id, last4=minted.last4, created_at=now
        )
        after = None if request.expires_in is None else duration(request.expires_in, "expires_in")
        key = Key(
            id=key_id,
            owner_id=actor.owner(),
            name=name_text(request.name),
            description=description_text(request.description),
            scopes=self._catalogue.known(request.scopes),
            secrets=(secret,),
            metadata=metadata(request.metadata),
            limits=policies(request.limits),
            allowed_networks=networks(request.allowed_networks),
            project_ids=project_ids(request.project_ids),
            created_at=now,
            expires_at=expiry(at=request.expires_at, after=after, now=now, longest=self._max_lifetime),
        )
        return key, minted.plain

    def _card(self, key: Key) -> KeyCard:
        return KeyCard(key, key.status(now=self._clock.now()), self._secrets.prefix_of(key.id))

    async def _visible(self, work: UnitOfWork, actor: Actor, key_id: KeyId) -> Key:
        return (await work.keys.get(key_id)).visible_to(actor)
