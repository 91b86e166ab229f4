from dataclasses import replace

from adapters.memory.roles import roles_of
from adapters.memory.scopes import defined
from adapters.memory.unit_of_work import MemoryDatabase
from domain.model.access import Grant, Holder, KeyGrant, SessionGrant
from domain.model.ids import KeyId, SessionId, UserId
from domain.model.roles import Role
from domain.model.scopes import Catalogue
from domain.ports.system import Clock


class MemoryAccessDirectory:
    """Resolves against the last commit, each time anew: nothing here can be stale."""

    def __init__(self, database: MemoryDatabase, catalogue: Catalogue, clock: Clock) -> None:
        self._tables = database.committed
        self._changes = database.changes
        self._catalogue = catalogue
        self._clock = clock

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        if (key := self._tables.keys.find(key_id)) is None:
            return None
        now = self._clock.now()
        return KeyGrant.resolve(
            replace(key, secrets=tuple(secret for secret in key.secrets if secret.is_live(now=now))),
            owner_is_active=self._tables.users.get(key.owner_id).is_active,
            owner_roles=self._roles(key.owner_id),
            catalogue=self._catalogue.including(defined(self._tables.scopes, key.scopes)),
            seq=self._changes.newest,
        )

    async def find_session(self, session_id: SessionId) -> SessionGrant | None:
        if (session := self._tables.sessions.find(session_id)) is None:
            return None
        return SessionGrant.resolve(
            session,
            user=self._holder(session.user_id),
            real_user=None if session.real_user_id is None else self._holder(session.real_user_id),
            catalogue=self._catalogue,
            seq=self._changes.newest,
        )

    def is_current(self, grant: Grant) -> bool:
        """Who remembers nothing cannot know."""
        return False

    def _holder(self, user_id: UserId) -> Holder:
        user = self._tables.users.get(user_id)
        return Holder(
            is_active=user.is_active,
            password_change_required=user.password_change_required,
            roles=self._roles(user_id),
        )

    def _roles(self, user_id: UserId) -> tuple[Role, ...]:
        return roles_of(user_id, self._tables.roles, self._tables.memberships)
