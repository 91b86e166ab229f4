"""The secrets of keys: rows of their own, so that noting a use never touches the key."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, bindparam, case, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Instant, Row, from_values, table_of
from adapters.sql.statements import Connection, Statement
from domain.model.ids import KeyId
from domain.model.keys import KeyUse, SecretVersion


class SecretRow(Row):
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


SECRETS = table_of(SecretRow)
SECRET_WIDTH = len(SECRETS.columns)
_THIS = (SECRETS.c.key_id == bindparam("of_key"), SECRETS.c.version == bindparam("of_version"))

_ADD = Statement(insert(SECRETS))
_RETIRE = Statement(update(SECRETS).where(*_THIS).values(retires_at=bindparam("ends")))
_LATEST = or_(SECRETS.c.last_used_at.is_(None), SECRETS.c.last_used_at <= bindparam("last_at", type_=Instant))
_USE = Statement(
    update(SECRETS)
    .where(*_THIS)
    .values(
        use_count=SECRETS.c.use_count + bindparam("uses", type_=BigInteger),
        last_used_at=case((_LATEST, bindparam("last_at", type_=Instant)), else_=SECRETS.c.last_used_at),
        last_used_ip=case((_LATEST, bindparam("last_ip", type_=String(64))), else_=SECRETS.c.last_used_ip),
    )
)
_RENEW = Statement(
    update(SECRETS)
    .where(*_THIS, SECRETS.c.digest == bindparam("seen"))
    .values(digest=bindparam("digest"), pepper_id=bindparam("pepper_id"))
)
_OF = Statement(
    select(SECRETS)
    .where(SECRETS.c.key_id.in_(bindparam("key_ids", expanding=True, type_=Id)))
    .order_by(SECRETS.c.key_id, SECRETS.c.version)
)


_secret = from_values(SecretVersion)


def secret_of(row: tuple[Any, ...]) -> SecretVersion:
    """*row* is the columns of the secret."""
    return _secret(*row[1:])


def _values(key_id: KeyId, secret: SecretVersion) -> dict[str, Any]:
    return {
        "key_id": key_id,
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


async def add_secrets(connection: Connection, key_id: KeyId, secrets: Iterable[SecretVersion]) -> None:
    await connection.execute_many(_ADD, [_values(key_id, secret) for secret in secrets])


async def retire_secrets(connection: Connection, key_id: KeyId, secrets: Iterable[SecretVersion]) -> None:
    """Nothing of them but when they retire."""
    rows = ({"of_key": key_id, "of_version": secret.version, "ends": secret.retires_at} for secret in secrets)
    await connection.execute_many(_RETIRE, rows)


async def note_uses(connection: Connection, uses: Iterable[KeyUse]) -> None:
    """In the order of the rows: two who write at once wait for each other, and not in a circle."""
    ordered = sorted(uses, key=lambda use: (use.key_id, use.version))
    rows = (
        {
            "of_key": use.key_id,
            "of_version": use.version,
            "uses": use.count,
            "last_at": use.last_at,
            "last_ip": use.last_ip,
        }
        for use in ordered
    )
    await connection.execute_many(_USE, rows)


async def save_digest(connection: Connection, key_id: KeyId, secret: SecretVersion, seen: bytes) -> None:
    await connection.execute(
        _RENEW,
        of_key=key_id,
        of_version=secret.version,
        seen=seen,
        digest=secret.digest,
        pepper_id=secret.pepper_id,
    )


async def secrets_of(connection: Connection, key_ids: Iterable[UUID]) -> Mapping[UUID, list[SecretVersion]]:
    """By version; none for a key that is not there."""
    secrets: dict[UUID, list[SecretVersion]] = defaultdict(list)
    for row in await connection.fetch(_OF, key_ids=list(key_ids)):
        secrets[row[0]].append(secret_of(row))
    return secrets
