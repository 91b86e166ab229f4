"""Passwords: Argon2id, then a keyed step.

Kept is ``<pepper id>$argon2id$v=19$m=…,t=…,p=…$<salt>$<HMAC-SHA-256 of Argon2's digest>``: a PHC string behind
the name of its pepper. The keyed step comes last, and not first, because then no Argon2 digest is ever kept:
without the pepper a stolen table is no use even for guessing.
"""

import hmac
import os
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from adapters.security.pool import BoundedPool, cores
from adapters.security.roots import RootSecrets
from domain.model.passwords import Password

_SALT = 16
_DIGEST = 32
_KEPT = re.compile(
    rf"([0-9a-f]{{8}})\$argon2id\$v={ARGON2_VERSION}\$m=([0-9]{{1,7}}),t=([0-9]{{1,3}}),p=([0-9]{{1,3}})"
    r"\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a hash costs. The default is OWASP's minimum for Argon2id."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1

    @property
    def is_bearable(self) -> bool:
        """Whether it may be spent because a stored hash says so."""
        fits = 8 * self.lanes <= self.memory_kib <= 256 * 1024
        return fits and 1 <= self.passes <= 10 and 1 <= self.lanes <= 8


@dataclass(frozen=True, slots=True)
class _Kept:
    pepper_id: str
    cost: Cost
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def __str__(self) -> str:
        cost = self.cost
        parameters = f"v={ARGON2_VERSION}$m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
        return f"{self.pepper_id}$argon2id${parameters}${_encode(self.salt)}${_encode(self.digest)}"

    @classmethod
    def read(cls, text: str) -> "_Kept | None":
        if (match := _KEPT.fullmatch(text)) is None:
            return None
        pepper_id, memory, passes, lanes, salt, digest = match.groups()
        return cls(pepper_id, Cost(int(memory), int(passes), int(lanes)), _decode(salt), _decode(digest))


class Argon2Passwords:
    """Hashes in as many threads as there are cores. Raises ValueError for a *cost* out of bounds."""

    def __init__(
        self,
        roots: RootSecrets,
        *,
        cost: Cost | None = None,
        threads: int | None = None,
        queue: int = 32,
        patience: float = 2.0,
    ) -> None:
        self._cost = cost or Cost()
        if not self._cost.is_bearable:
            raise ValueError("argon2: 8 KiB a lane to 256 MiB, 1 to 10 passes, 1 to 8 lanes")
        peppers = roots.peppers("password")
        self._newest = peppers[0].id
        self._peppers = {pepper.id: pepper.key for pepper in peppers}
        self._nobody = _Kept(self._newest, self._cost, os.urandom(_SALT), os.urandom(_DIGEST))
        self._pool = BoundedPool(threads=threads or cores(), queue=queue, patience=patience)

    async def hash(self, password: Password) -> str:
        salt = os.urandom(_SALT)
        digest = await self._pool.run(self._digest, password, self._newest, self._cost, salt)
        return str(_Kept(self._newest, self._cost, salt, digest))

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        """False, and as slow, for a hash that is not ours, asks for too much, or whose pepper was dropped."""
        kept = self._usable(password_hash) or self._nobody
        digest = await self._pool.run(self._digest, password, kept.pepper_id, kept.cost, kept.salt)
        return hmac.compare_digest(digest, kept.digest)

    def is_outdated(self, password_hash: str) -> bool:
        kept = _Kept.read(password_hash)
        return kept is None or (kept.pepper_id, kept.cost) != (self._newest, self._cost)

    @property
    def pool(self) -> BoundedPool:
        """For whatever else is as slow."""
        return self._pool

    def close(self) -> None:
        """Waits for the hash in work, if any; nothing can be hashed afterwards."""
        self._pool.close()

    def _usable(self, password_hash: str | None) -> _Kept | None:
        kept = _Kept.read(password_hash) if password_hash is not None else None
        return kept if kept and kept.cost.is_bearable and kept.pepper_id in self._peppers else None

    def _digest(self, password: Password, pepper_id: str, cost: Cost, salt: bytes) -> bytes:
        raw = hash_secret_raw(
            password.encode(), salt, cost.passes, cost.memory_kib, cost.lanes, _DIGEST, Type.ID, ARGON2_VERSION
        )
        return hmac.digest(self._peppers[pepper_id], raw, "sha256")


def _encode(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))
