from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, code_points, table_of
from adapters.sql.queries import Listing
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import KeyNotFound, QuotaReached, UserNotFound
from domain.model.ids import KeyId, ProjectId, UserId
from domain.model.keys import KEY_SORTS, Key, SecretVersion
from domain.model.limits import policy
from domain.model.queries import Page, Query


class KeyRow(Row):
    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(Id, ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(code_points(128))
    description: Mapped[str | None] = mapped_column(code_points(1024))
    scopes: Mapped[list[str]]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    limits: Mapped[list[str]]
    allowed_networks: Mapped[list[str]]
    project_ids: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    version: Mapped[int]

    __table_args__ = (Index(None, "owner_id", "created_at", "id"),)


class SecretRow(Row):
    """Rows of their own, so that noting a use never touches the key."""

    __tablename__ = "api_key_secrets"

    key_id: Mapped[UUID] = mapped_column(Id, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(64))
    pepper_id: Mapped[str] = mapped_column(String(32))
    last4: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime]
    retires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_ip: Mapped[str | None] = mapped_column(String(64))
    use_count: Mapped[int] = mapped_column(BigInteger)


KEYS = table_of(KeyRow)
SECRETS = table_of(SecretRow)
_OF_OWNER = KEYS.c.owner_id == bindparam("owner_id")
_MUTABLE = (
    "name",
    "description",
    "scopes",
    "metadata",
    "limits",
    "allowed_networks",
    "project_ids",
    "expires_at",
    "suspended_at",
    "revoked_at",
)
_LIVE = (
    KEYS.c.revoked_at.is_(None),
    or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > bindparam("now", type_=Instant)),
)

_ADD = insert_below(KEYS, select(func.count(KEYS.c.id)).where(_OF_OWNER, *_LIVE))
_ADD_SECRET = Statement(insert(SECRETS))
_GET = Statement(select(KEYS, SECRETS).join(SECRETS).where(KEYS.c.id == bindparam("id")).order_by(SECRETS.c.version))
_SECRETS_OF = Statement(
    select(SECRETS)
    .where(SECRETS.c.key_id.in_(bindparam("key_ids", expanding=True, type_=Id)))
    .order_by(SECRETS.c.key_id, SECRETS.c.version)
)
_VERSIONS = VersionedTable(KEYS, mutable=_MUTABLE, absent=KeyNotFound)
_REVOKE_ALL = Statement(
    update(KEYS)
    .where(_OF_OWNER, KEYS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now", type_=Instant), version=KEYS.c.version + 1)
)
_SORTS = {name: KEYS.c[name] for name in KEY_SORTS}
_LISTINGS = {True: Listing.of(KEYS, _OF_OWNER, sorts=_SORTS), False: Listing.of(KEYS, sorts=_SORTS)}

KEY_WIDTH = len(KEYS.columns)
SECRET_WIDTH = len(SECRETS.columns)


def _values(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "description": key.description,
        "scopes": sorted(key.scopes),
        "metadata": key.metadata,
        "limits": [str(limit) for limit in key.limits],
        "allowed_networks": [str(network) for network in key.allowed_networks],
        "project_ids": sorted(str(project_id) for project_id in key.project_ids),
        "expires_at": key.expires_at,
        "suspended_at": key.suspended_at,
        "revoked_at": key.revoked_at,
    }


def key_of(row: tuple[Any, ...], secrets: Iterable[SecretVersion]) -> Key:
    """*row* begins with the columns of the key."""
    (
        key_id,
        owner_id,
        name,
        description,
        scopes,
        metadata,
        limits,
        allowed_networks,
        project_ids,
        created_at,
        expires_at,
        suspended_at,
        revoked_at,
        version,
    ) = row[:KEY_WIDTH]
    return Key(
        id=key_id,
        owner_id=owner_id,
        name=name,
        description=description,
        scopes=frozenset(scopes),
        secrets=tuple(secrets),
        metadata=metadata,
        limits=tuple(map(policy, limits)),
        allowed_networks=tuple(map(ip_network, allowed_networks)),
        project_ids=frozenset(ProjectId(UUID(text)) for text in project_ids),
        created_at=created_at,
        expires_at=expires_at,
        suspended_at=suspended_at,
        revoked_at=revoked_at,
        version=version,
    )


def secret_of(row: tuple[Any, ...]) -> SecretVersion:
    """*row* is the columns of the secret."""
    _, version, digest, pepper_id, last4, created_at, retires_at, last_used_at, last_used_ip, use_count = row
    return SecretVersion(
        version=version,
        digest=digest,
        pepper_id=pepper_id,
        last4=last4,
        created_at=created_at,
        retires_at=retires_at,
        last_used_at=last_used_at,
        last_used_ip=last_used_ip,
        use_count=use_count,
    )


def _secret_values(key: Key) -> list[dict[str, Any]]:
    return [
        {
            "key_id": key.id,
            "version": secret.version,
            "digest": secret.digest,
            "pepper_id": secret.pepper_id,
            "last4": secret.last4,
            "created_at": secret.created_at,
            "retires_at": secret.retires_at,
            "last_used_at": secret.last_used_at,
            "last_used_ip": secret.last_used_ip,
            "use_count": secret.use_count,
        }
        for secret in key.secrets
    ]


class SqlKeyRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        with refusing(missing=UserNotFound()):
            added = await self._connection.execute(
                _ADD,
                at_most=live_at_most,
                now=now,
                id=key.id,
                owner_id=key.owner_id,
                created_at=key.created_at,
                version=key.version,
                **_values(key),
            )
        if not added:
            self._connection.refuse(QuotaReached(f"a user has at most {live_at_most} live keys"))
        await self._connection.execute_many(_ADD_SECRET, _secret_values(key))

    async def get(self, key_id: KeyId) -> Key:
        rows = await self._connection.fetch(_GET, id=key_id)
        if not rows:
            raise KeyNotFound
        return key_of(rows[0], (secret_of(row[KEY_WIDTH:]) for row in rows))

    async def save(self, key: Key) -> Key:
        saved = await _VERSIONS.save(self._connection, key, _values(key))
        return replace(saved, secrets=(await self.get(key.id)).secrets)

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        return await self._connection.execute(_REVOKE_ALL, owner_id=owner_id, now=now)

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        values: dict[str, Any] = {} if owner_id is None else {"owner_id": owner_id}
        page = await _LISTINGS[owner_id is not None].page(self._connection, query, tuple, **values)
        secrets = await self._secrets_of(row[0] for row in page.items)
        return Page(tuple(key_of(row, secrets[row[0]]) for row in page.items), page.total)

    async def _secrets_of(self, key_ids: Iterable[UUID]) -> dict[UUID, list[SecretVersion]]:
        secrets: dict[UUID, list[SecretVersion]] = defaultdict(list)
        for row in await self._connection.fetch(_SECRETS_OF, key_ids=list(key_ids)):
            secrets[row[0]].append(secret_of(row))
        return secrets
