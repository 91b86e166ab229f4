from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from adapters.memory.access_changes import Changed
from adapters.memory.queries import page_of
from adapters.memory.tables import Table, present, update
from domain.errors import EditConflict, QuotaReached
from domain.model.ids import KeyId, UserId
from domain.model.keys import ENDED, Key, KeyUse, SecretVersion
from domain.model.leases import subject
from domain.model.queries import Page, Query
from domain.model.users import User


class MemoryKeyRepository:
    def __init__(self, keys: Table[Key], users: Table[User], changed: Changed) -> None:
        self._changed = changed
        self._keys = keys
        self._users = users

    async def add(self, key: Key, *, live_at_most: int, now: datetime) -> None:
        keys = self._keys.writing
        self._users.writing.require(key.owner_id)
        live = sum(other.status(now=now) not in ENDED for other in keys.where("owner", key.owner_id))
        if live >= live_at_most:
            keys.refuse(QuotaReached(f"a user has at most {live_at_most} live keys"))
        if keys.find(key.id) is not None:
            keys.refuse(EditConflict())
        keys.insert(replace(key, secrets=tuple(sorted(key.secrets, key=lambda secret: secret.version))))

    async def get(self, key_id: KeyId) -> Key:
        return self._keys.get(key_id)

    async def save(self, key: Key) -> Key:
        self._changed(subject("key", key.id))
        keys = self._keys.writing
        return update(keys, replace(key, secrets=present(keys, key).secrets))

    async def save_secrets(self, key: Key) -> Key:
        self._changed(subject("key", key.id))
        keys = self._keys.writing
        kept = {secret.version: secret for secret in present(keys, key).secrets}
        given = {secret.version: secret for secret in key.secrets}
        secrets = {**given, **{n: replace(old, retires_at=given.get(n, old).retires_at) for n, old in kept.items()}}
        return update(keys, replace(key, secrets=tuple(secrets[version] for version in sorted(secrets))))

    async def delete(self, key: Key) -> None:
        self._changed(subject("key", key.id))
        keys = self._keys.writing
        present(keys, key)
        keys.remove(key.id)

    async def note_uses(self, uses: Iterable[KeyUse]) -> None:
        keys = self._keys.writing
        for use in uses:
            if (key := keys.find(use.key_id)) is not None:
                keys.put(key.id, replace(key, secrets=tuple(_used(secret, use) for secret in key.secrets)))

    async def save_digest(self, key_id: KeyId, secret: SecretVersion, *, seen: bytes) -> None:
        keys = self._keys.writing
        if (key := keys.find(key_id)) is not None:
            keys.put(key_id, replace(key, secrets=tuple(_renewed(kept, secret, seen) for kept in key.secrets)))

    async def revoke_all(self, owner_id: UserId, *, now: datetime) -> int:
        self._changed(subject("user", owner_id))
        keys = self._keys.writing
        going = [key for key in keys.where("owner", owner_id) if key.revoked_at is None]
        for key in going:
            update(keys, key.revoke(now=now))
        return len(going)

    async def announce(self, key_id: KeyId) -> None:
        self._changed(subject("key", key_id))

    async def list_by_owner(self, owner_id: UserId | None, query: Query) -> Page[Key]:
        return page_of(self._keys if owner_id is None else self._keys.where("owner", owner_id), query)


def _used(secret: SecretVersion, use: KeyUse) -> SecretVersion:
    if secret.version != use.version:
        return secret
    counted = replace(secret, use_count=secret.use_count + use.count)
    if secret.last_used_at is not None and secret.last_used_at > use.last_at:
        return counted
    return replace(counted, last_used_at=use.last_at, last_used_ip=use.last_ip)


def _renewed(kept: SecretVersion, secret: SecretVersion, seen: bytes) -> SecretVersion:
    if kept.version != secret.version or kept.digest != seen:
        return kept
    return replace(kept, digest=secret.digest, pepper_id=secret.pepper_id)
