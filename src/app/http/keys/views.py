from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.http.views import in_order
from domain.model.access import Rejected, Verification
from domain.model.keys import IssuedKey, KeyCard, Receipt, RotatedKey, SecretVersion

NEVER = datetime.min.replace(tzinfo=UTC)


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


class ReceiptView(msgspec.Struct, frozen=True):
    """After `effective_at` no worker decides by what the key was before."""

    key: KeyView
    effective_at: datetime


class RotatedKeyView(msgspec.Struct, frozen=True):
    """`api_key` is the new secret: it is shown in this answer and never again."""

    key: KeyView
    api_key: str
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
        scopes=in_order(key.scopes),
        permissions=in_order(verdict.grant.permissions),
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
        scopes=in_order(key.scopes),
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


def issued_view(issued: IssuedKey) -> IssuedKeyView:
    return IssuedKeyView(view(issued.card), issued.secret)


def receipt_view(receipt: Receipt) -> ReceiptView:
    return ReceiptView(view(receipt.card), receipt.effective_at)


def rotated_view(rotated: RotatedKey) -> RotatedKeyView:
    return RotatedKeyView(view(rotated.card), rotated.secret, rotated.effective_at)


def secret_view(secret: SecretVersion) -> SecretView:
    return SecretView(
        version=secret.version,
        created_at=secret.created_at,
        retires_at=secret.retires_at,
        last_used_at=secret.last_used_at,
    )
