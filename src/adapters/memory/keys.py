from dataclasses import replace
from datetime import datetime

from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import QuotaReached
from domain.model.ids import KeyId, UserId
from domain.model.keys import Key, KeyStatus
from domain.model.queries import Page, Query
from domain.model.users import User

_ENDED = {KeyStatus.REVOKED, KeyStatus.EXPIRED}


class MemoryKeyRepository:
    def __init__(self, keys: Table[Key], users: Table[User]) -> None:
        self._keys = keys
        self._users = users

    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        keys = self._keys.writing
        self._users.writing.require(key.owner_id)
        live = sum(other.status(now=now) not in _ENDED for other in keys.where("owner", key.owner_id))
        if live >= live_at_most:
            keys.refuse(QuotaReached(f"a user has at most {live_at_most} live keys"))
        keys.insert(replace(key, secrets=tuple(sorted(key.secrets, key=lambda secret: secret.version))))

    async def get(self, key_id: KeyId) -> Key:
        return self._keys.get(key_id)

    async def save(self, key: Key) -> Key:
        keys = self._keys.writing
        return update(keys, replace(key, secrets=present(keys, key).secrets))

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        keys = self._keys.writing
        going = [key for key in keys.where("owner", owner_id) if key.revoked_at is None]
        for key in going:
            update(keys, key.revoke(now=now))
        return len(going)

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        return page_of(self._keys if owner_id is None else self._keys.where("owner", owner_id), query)
