from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from adapters.sql.access_changes import NEWEST
from adapters.sql.base import Instant
from adapters.sql.database import Database
from adapters.sql.key_scopes import KEY_SCOPES
from adapters.sql.key_secrets import SECRET_WIDTH, SECRETS, secret_of
from adapters.sql.keys import KEY_COLUMNS, KEY_WIDTH, KEYS, key_of
from adapters.sql.memberships import MEMBERSHIPS
from adapters.sql.roles import HELD_COLUMNS, ROLES, held_of
from adapters.sql.scopes import SCOPE_WIDTH, SCOPES, scope_of
from adapters.sql.sessions import SESSIONS, session_of
from adapters.sql.statements import Rows, Statement
from adapters.sql.users import USERS
from domain.model.access import Grant, Holder, KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId, UserId
from domain.model.roles import HeldRole
from domain.model.scopes import Catalogue, Scope
from domain.ports.system import Clock

_LIVE_SECRETS = or_(SECRETS.c.retires_at.is_(None), SECRETS.c.retires_at > bindparam("now", type_=Instant))
_HELD = MEMBERSHIPS.c.user_id == USERS.c.id
_ROLES_OF = USERS.outerjoin(MEMBERSHIPS, _HELD).outerjoin(ROLES, ROLES.c.id == MEMBERSHIPS.c.role_id)
"""Inactive ones too: a grant changes when one of them is activated."""

_KEY = Statement(
    select(*KEY_COLUMNS, SECRETS, USERS.c.is_active, SCOPES, NEWEST, *HELD_COLUMNS)
    .select_from(
        KEYS.outerjoin(SECRETS, and_(SECRETS.c.key_id == KEYS.c.id, _LIVE_SECRETS))
        .outerjoin(KEY_SCOPES, KEY_SCOPES.c.key_id == KEYS.c.id)
        .outerjoin(SCOPES, SCOPES.c.name == KEY_SCOPES.c.name)
        .join(_ROLES_OF, USERS.c.id == KEYS.c.owner_id)
    )
    .where(KEYS.c.id == bindparam("id"))
    .order_by(SECRETS.c.version)
)
_OWNER = KEY_WIDTH + SECRET_WIDTH
_SESSION_WIDTH = len(SESSIONS.columns)
_USER = _SESSION_WIDTH + 1
_SESSION = Statement(
    select(SESSIONS, NEWEST, USERS.c.id, USERS.c.is_active, USERS.c.password_change_required, *HELD_COLUMNS)
    .select_from(SESSIONS.join(_ROLES_OF, USERS.c.id.in_([SESSIONS.c.user_id, SESSIONS.c.real_user_id])))
    .where(SESSIONS.c.id == bindparam("id"))
)


class SqlAccessDirectory:
    """One indexed statement a grant: a row for each secret, or each who acts, and each role; nearly always one.

    A key that holds scopes which somebody has defined has a row more for each; the others pay for one empty look.
    """

    def __init__(self, database: Database, catalogue: Catalogue, clock: Clock) -> None:
        self._database = database
        self._catalogue = catalogue
        self._clock = clock

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        async with self._database.reading() as connection:
            rows = await connection.fetch(_KEY, id=key_id, now=self._clock.now())
        if not rows:
            return None
        secrets = {row[KEY_WIDTH + 1]: row[KEY_WIDTH : KEY_WIDTH + SECRET_WIDTH] for row in rows}
        return KeyGrant.resolve(
            key_of(rows[0], (secret_of(row) for version, row in secrets.items() if version is not None)),
            owner_is_active=rows[0][_OWNER],
            owner_roles=_roles(rows, _OWNER + 2 + SCOPE_WIDTH),
            catalogue=self._catalogue.including(_scopes(rows)),
            seq=rows[0][_OWNER + 1 + SCOPE_WIDTH],
        )

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        async with self._database.reading() as connection:
            rows = await connection.fetch(_SESSION, id=session_id)
        if not rows:
            return None
        session = session_of(rows[0][:_SESSION_WIDTH])
        return SessionGrant.resolve(
            session,
            user=_holder(rows, session.user_id),
            real_user=None if session.real_user_id is None else _holder(rows, session.real_user_id),
            catalogue=self._catalogue,
            seq=rows[0][_SESSION_WIDTH],
        )

    def is_current(self, grant: Grant) -> bool:
        """Who remembers nothing cannot know."""
        return False


def _holder(rows: Rows, user_id: UserId) -> Holder:
    own = [row for row in rows if row[_USER] == user_id]
    _, is_active, password_change_required = own[0][_USER : _USER + 3]
    return Holder(
        is_active=is_active,
        password_change_required=password_change_required,
        roles=tuple(_roles(own, _USER + 3)),
    )


def _scopes(rows: Rows) -> list[Scope]:
    """Each scope that somebody has defined, once."""
    distinct = {row[_OWNER + 1]: row[_OWNER + 1 : _OWNER + 1 + SCOPE_WIDTH] for row in rows}
    return [scope_of(row) for scope_id, row in distinct.items() if scope_id is not None]


def _roles(rows: Rows, start: int) -> list[HeldRole]:
    """Each role once; what is left of the join where there is none is NULL."""
    distinct: dict[Any, tuple[Any, ...]] = {row[start]: row[start:] for row in rows}
    return [held_of(row) for role_id, row in distinct.items() if role_id is not None]
