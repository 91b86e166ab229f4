from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Index,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.access_changes import Changed
from adapters.sql.base import Id, Instant, Row, code_points, columns_of, folded, from_values, table_of
from adapters.sql.key_scopes import change_scopes, hold_scopes
from adapters.sql.key_secrets import SECRETS, add_secrets, note_uses, retire_secrets, save_digest, secret_of, secrets_of
from adapters.sql.queries import Listing, Predicate, compared, members_of
from adapters.sql.quotas import insert_below
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.errors import EditConflict, KeyNotFound, QuotaReached, UserNotFound
from domain.model.ids import KeyId, ProjectId, UserId
from domain.model.keys import KEY_FIELDS, Key, KeyStatus, KeyUse, SecretVersion
from domain.model.leases import shared, subject
from domain.model.limits import policy
from domain.model.queries import Operator, Page, Query


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
    name_folded: Mapped[str] = mapped_column(folded(128), server_default="")

    __table_args__ = (Index(None, "owner_id", "created_at", "id"), Index(None, "created_at", "id"))


KEYS = table_of(KeyRow)
KEY_COLUMNS = columns_of(KEYS)
_OF_OWNER = KEYS.c.owner_id == bindparam("owner_id")
_MUTABLE = (
    "name",
    "name_folded",
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
_GET = Statement(
    select(*KEY_COLUMNS, SECRETS).join(SECRETS).where(KEYS.c.id == bindparam("id")).order_by(SECRETS.c.version)
)
_VERSIONS = VersionedTable(KEYS, mutable=_MUTABLE, absent=KeyNotFound)
_REVOKE_ALL = Statement(
    update(KEYS)
    .where(_OF_OWNER, KEYS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now", type_=Instant), version=KEYS.c.version + 1)
)


def _holding(asked: Operator, scope: BindParameter[Any]) -> ColumnElement[bool]:
    """By what stands in the keys themselves: built-in scopes have no rows of their own."""
    held = members_of(KEYS.c.scopes)
    met = exists().where(compared(held, Operator.IN if asked is Operator.IN else Operator.EQ, scope))
    return ~met if asked is Operator.NE else met


_DERIVED: dict[str, ColumnElement[Any] | Predicate] = {
    "status": case(
        (KEYS.c.revoked_at.is_not(None), KeyStatus.REVOKED),
        (KEYS.c.expires_at <= bindparam("now", type_=Instant), KeyStatus.EXPIRED),
        (KEYS.c.suspended_at.is_not(None), KeyStatus.SUSPENDED),
        else_=KeyStatus.ACTIVE,
    ),
    "scope": _holding,
    "last_used_at": select(func.max(SECRETS.c.last_used_at)).where(SECRETS.c.key_id == KEYS.c.id).scalar_subquery(),
}
_LISTINGS = {
    True: Listing.of(KEYS, KEY_FIELDS, _OF_OWNER, others=_DERIVED),
    False: Listing.of(KEYS, KEY_FIELDS, others=_DERIVED),
}

_NO_PROJECTS: frozenset[ProjectId] = frozenset()
KEY_WIDTH = len(KEY_COLUMNS)
_key = from_values(Key)


def _values(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "name_folded": key.name.casefold(),
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
    return _key(
        key_id,
        owner_id,
        name,
        description,
        shared(frozenset(scopes)),
        tuple(secrets),
        metadata,
        tuple([policy(limit) for limit in limits]),
        tuple([ip_network(network) for network in allowed_networks]),
        frozenset([ProjectId(UUID(text)) for text in project_ids]) if project_ids else _NO_PROJECTS,
        created_at,
        expires_at,
        suspended_at,
        revoked_at,
        version,
    )


class SqlKeyRepository:
    def __init__(self, connection: Connection, changed: Changed) -> None:
        self._connection = connection
        self._changed = changed

    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        with refusing(duplicate={"id": EditConflict()}, missing=UserNotFound()):
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
        await add_secrets(self._connection, key.id, key.secrets)
        await hold_scopes(self._connection, key.id, key.scopes)

    async def get(self, key_id: KeyId) -> Key:
        rows = await self._connection.fetch(_GET, id=key_id)
        if not rows:
            raise KeyNotFound
        return key_of(rows[0], (secret_of(row[KEY_WIDTH:]) for row in rows))

    async def save(self, key: Key) -> Key:
        self._changed(subject("key", key.id))
        saved = await _VERSIONS.save(self._connection, key, _values(key))
        await change_scopes(self._connection, key.id, key.scopes)
        return replace(saved, secrets=(await self.get(key.id)).secrets)

    async def save_secrets(self, key: Key) -> Key:
        """The save locks the key: nobody else adds or retires secrets of it meanwhile."""
        saved = await self.save(key)
        kept = {secret.version: secret.retires_at for secret in saved.secrets}
        await add_secrets(self._connection, key.id, (secret for secret in key.secrets if secret.version not in kept))
        changed = (secret for secret in key.secrets if kept.get(secret.version, secret.retires_at) != secret.retires_at)
        await retire_secrets(self._connection, key.id, changed)
        return replace(saved, secrets=(await self.get(key.id)).secrets)

    async def delete(self, key: Key) -> None:
        self._changed(subject("key", key.id))
        await _VERSIONS.delete(self._connection, key)

    async def note_uses(self, uses: Iterable[KeyUse]) -> None:
        await note_uses(self._connection, uses)

    async def save_digest(self, key_id: KeyId, secret: SecretVersion, *, seen: bytes) -> None:
        await save_digest(self._connection, key_id, secret, seen)

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        self._changed(subject("user", owner_id))
        return await self._connection.execute(_REVOKE_ALL, owner_id=owner_id, now=now)

    async def announce(self, key_id: KeyId) -> None:
        self._changed(subject("key", key_id))

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        values: dict[str, Any] = {} if owner_id is None else {"owner_id": owner_id}
        rows, total = await _LISTINGS[owner_id is not None].rows(self._connection, query, **values)
        secrets = await secrets_of(self._connection, (row[0] for row in rows))
        return query.page([key_of(row, secrets[row[0]]) for row in rows], total)
