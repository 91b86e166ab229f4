from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ForeignKey, bindparam, delete
from sqlalchemy.dialects.postgresql import insert  # its ON CONFLICT is SQLite's as well
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.base import Id, Row, code_points, table_of
from adapters.sql.statements import Connection, Statement
from domain.model.ids import KeyId
from domain.model.scopes import is_definable


class KeyScopeRow(Row):
    """Which keys hold what somebody has defined, or may define: an index of what stands in the keys themselves.

    It has no row for most keys: they hold what is built in.
    """

    __tablename__ = "api_key_scopes"

    key_id: Mapped[UUID] = mapped_column(Id, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(code_points(64), primary_key=True, index=True)


KEY_SCOPES = table_of(KeyScopeRow)
_HOLD = Statement(insert(KEY_SCOPES).on_conflict_do_nothing())
_RELEASE = Statement(
    delete(KEY_SCOPES).where(
        KEY_SCOPES.c.key_id == bindparam("of_key"), KEY_SCOPES.c.name.not_in(bindparam("names", expanding=True))
    )
)


async def hold_scopes(connection: Connection, key_id: KeyId, scopes: Iterable[str]) -> None:
    """That a new key holds *scopes*."""
    rows = [{"key_id": key_id, "name": name} for name in sorted(scopes) if is_definable(name)]
    await connection.execute_many(_HOLD, rows)


async def change_scopes(connection: Connection, key_id: KeyId, scopes: Iterable[str]) -> None:
    """That a key holds *scopes*, and no others any more."""
    held = tuple(scopes)
    await connection.execute(_RELEASE, of_key=key_id, names=list(held))
    await hold_scopes(connection, key_id, held)
