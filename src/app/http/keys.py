from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http.addresses import given_address
from app.http.bodies import Input, Moment
from app.http.doors import ActorRequest, key, user_or_key
from app.http.fields import Description, Name, described
from app.http.lists import ListView, list_query, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, versioned
from domain.model.access import Rejected, Verification
from domain.model.ids import KeyId, ProjectId
from domain.model.keys import KEY_SORTS, KeyCard, SecretVersion
from domain.model.permissions import KeyPermission
from domain.services.access import AccessService
from domain.services.keys import KeyRequest, KeyService

NEVER = datetime.min.replace(tzinfo=UTC)

Scope = Annotated[str, described("A built-in scope, or a permission.", "read", minLength=1, maxLength=64)]
Limit = Annotated[str, described("So many in a second, minute, hour or day.", "1000/minute", maxLength=16)]
Range = Annotated[str, msgspec.Meta(max_length=49), described("A network in CIDR form.", "192.0.2.0/24")]
Span = Annotated[str, described("A duration.", "90d", pattern="^(0s|[1-9][0-9]{0,8}(ms|s|m|h|d))$")]
Address = Annotated[str, msgspec.Meta(max_length=45), described("Where the key was presented from.", "192.0.2.7")]
Secret = Annotated[str, described("The key itself, as it was shown once.", maxLength=256)]
Permission = Annotated[str, described("What the key must be allowed.", "projects:read", maxLength=64)]


class NewKey(Input, frozen=True, kw_only=True):
    name: Name
    description: Description | None = None
    scopes: Annotated[tuple[Scope, ...], described("What it may do, at the most.", ["read"], minItems=1, maxItems=64)]
    expires_at: Moment | None = None
    expires_in: Span | None = None
    metadata: dict[str, Any] | None = None
    limits: Annotated[tuple[Limit, ...], described("In place of the default.", ["50/minute"], maxItems=4)] = ()
    allowed_networks: Annotated[tuple[Range, ...], described("Where it is good.", ["192.0.2.0/24"], maxItems=64)] = ()
    project_ids: Annotated[tuple[UUID, ...], described("All that it may touch; empty is no rule.", maxItems=64)] = ()


class KeyToVerify(Input, frozen=True, kw_only=True):
    api_key: Secret
    permissions: Annotated[tuple[Permission, ...], described("What it must be allowed.", maxItems=64)] = ()
    cost: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    address: Address | None = None


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    created_at: datetime
    retires_at: datetime | None
    last_used_at: datetime | None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. `prefix` and `last4` are for people to recognise it by."""

    id: UUID
    name: str
    description: str | None
    prefix: str
    last4: str
    scopes: tuple[str, ...]
    status: str
    owner_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None
    use_count: int
    metadata: Mapping[str, Any]
    limits: tuple[str, ...]
    allowed_networks: tuple[str, ...]
    project_ids: tuple[UUID, ...]
    versions: tuple[SecretView, ...]


class IssuedKeyView(msgspec.Struct, frozen=True):
    """`api_key` is the secret: it is shown in this answer and never again."""

    key: KeyView
    api_key: str


class RevocationView(msgspec.Struct, frozen=True):
    """After `effective_at` no worker decides to accept the key."""

    key: KeyView
    effective_at: datetime


class VerificationView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`code` says why; the rest is there only for a key that is good, `key_id` for every known one."""

    valid: bool
    code: str
    key_id: UUID | None = None
    owner_id: UUID | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    scopes: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    permissions: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    metadata: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    limits: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    retry_after: int | msgspec.UnsetType = msgspec.UNSET


def verification_view(verdict: Verification) -> VerificationView:
    if isinstance(verdict, Rejected):
        return VerificationView(
            valid=False,
            code=verdict.reason,
            key_id=verdict.key_id,
            retry_after=msgspec.UNSET if verdict.retry_after is None else verdict.retry_after,
        )
    key = verdict.grant.key
    return VerificationView(
        valid=True,
        code="valid",
        key_id=key.id,
        owner_id=key.owner_id,
        name=key.name,
        scopes=tuple(sorted(key.scopes)),
        permissions=tuple(sorted(verdict.grant.permissions)),
        metadata=key.metadata,
        expires_at=key.expires_at,
        limits=tuple(map(str, key.limits)),
    )


def view(card: KeyCard) -> KeyView:
    key, used = card.key, max(card.key.secrets, key=lambda secret: secret.last_used_at or NEVER)
    return KeyView(
        id=key.id,
        name=key.name,
        description=key.description,
        prefix=card.prefix,
        last4=key.newest.last4,
        scopes=tuple(sorted(key.scopes)),
        status=card.status,
        owner_id=key.owner_id,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=used.last_used_at,
        last_used_ip=used.last_used_ip,
        use_count=sum(secret.use_count for secret in key.secrets),
        metadata=key.metadata,
        limits=tuple(map(str, key.limits)),
        allowed_networks=tuple(map(str, key.allowed_networks)),
        project_ids=tuple(sorted(key.project_ids)),
        versions=tuple(map(secret_view, key.secrets)),
    )


def secret_view(secret: SecretVersion) -> SecretView:
    return SecretView(
        version=secret.version,
        created_at=secret.created_at,
        retires_at=secret.retires_at,
        last_used_at=secret.last_used_at,
    )


def request_of(data: NewKey) -> KeyRequest:
    return KeyRequest(
        name=data.name,
        scopes=data.scopes,
        description=data.description,
        expires_at=data.expires_at,
        expires_in=data.expires_in,
        metadata=data.metadata,
        limits=data.limits,
        allowed_networks=data.allowed_networks,
        project_ids=tuple(map(ProjectId, data.project_ids)),
    )


class KeyController(Controller):
    path = "/api-keys"
    tags = ("API keys",)

    @post(opt=user_or_key(KeyPermission.CREATE))
    async def create_key(
        self, request: ActorRequest, data: RequestBody[NewKey], keys: NamedDependency[KeyService]
    ) -> Response[IssuedKeyView]:
        """Create a key. Its secret is in this answer and never again."""
        issued = await keys.create(request.user, request_of(data))
        return Response(
            IssuedKeyView(view(issued.card), issued.secret),
            headers={"location": f"/v1/api-keys/{issued.card.key.id}"},
        )

    @get(opt=user_or_key(KeyPermission.READ) | listing(KEY_SORTS))
    async def list_keys(self, request: ActorRequest, keys: NamedDependency[KeyService]) -> ListView[KeyView]:
        """List the keys that the caller may see."""
        query = list_query(request)
        return ListView.of(await keys.list(request.user, query), query, view)

    @get("/self", opt=key())
    async def get_own_key(self, request: ActorRequest, keys: NamedDependency[KeyService]) -> Response[KeyView]:
        """The key that calls."""
        card = await keys.get_self(request.user)
        return versioned(view(card), card.key.version)

    @get("/{key_id:str}", opt=user_or_key(KeyPermission.READ))
    async def get_key(
        self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]
    ) -> Response[KeyView]:
        """Get one key."""
        card = await keys.get(request.user, KeyId(path_id(key_id)))
        return versioned(view(card), card.key.version)

    @post("/{key_id:str}/revoke", status_code=200, opt=user_or_key(KeyPermission.REVOKE))
    async def revoke_key(
        self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]
    ) -> RevocationView:
        """Revoke a key for good; said again, it changes nothing."""
        revocation = await keys.revoke(request.user, KeyId(path_id(key_id)), expected=expected_versions(request))
        return RevocationView(view(revocation.card), revocation.effective_at)

    @post("/verify", status_code=200, opt=user_or_key(KeyPermission.VERIFY))
    async def verify_key(
        self, request: ActorRequest, data: RequestBody[KeyToVerify], access: NamedDependency[AccessService]
    ) -> VerificationView:
        """Is this key good, now, for these permissions? Always 200 for a caller we know."""
        verdict = await access.verify(
            request.user,
            data.api_key,
            permissions=data.permissions,
            cost=data.cost,
            address=given_address(data.address),
        )
        return verification_view(verdict)
