from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from domain.model.ids import KeyId
from domain.model.keys import KeyUse, SecretVersion
from domain.ports.unit_of_work import UnitOfWorkFactory

_AT_ONCE = 500
_Secret = tuple[KeyId, int]


@dataclass(slots=True)
class _Tally:
    """Counted in place: a new value for each use would cost a request more than looking up its key."""

    count: int
    last_at: datetime
    last_ip: str | None

    def add(self, count: int, at: datetime, address: str | None) -> None:
        self.count += count
        if at >= self.last_at:
            self.last_at, self.last_ip = at, address


class KeyUses:
    """How often each secret was used since that was last written down, and which digests are to be written anew: a
    request only adds here.

    Whoever ends without `flush` loses what was noted since the last one.
    """

    def __init__(self, *, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self._noted: dict[_Secret, _Tally] = {}
        self._renewed: dict[_Secret, tuple[SecretVersion, SecretVersion]] = {}

    def note(self, key_id: KeyId, version: int, *, at: datetime, address: str | None) -> None:
        """One use more; *address* may be unknown."""
        self._add((key_id, version), 1, at, address)

    def note_renewal(self, key_id: KeyId, seen: SecretVersion, renewed: SecretVersion) -> None:
        """That the digest of a secret that was *seen* may be another."""
        self._renewed[key_id, seen.version] = seen, renewed

    async def flush(self) -> None:
        """Write down what was noted. What cannot be written now is kept for the next time. Raises Unavailable."""
        await self._renew()
        waiting, self._noted = self._noted, {}
        try:
            while batch := dict(islice(waiting.items(), _AT_ONCE)):
                async with self._uow() as work:
                    await work.keys.note_uses(map(_use, batch.items()))
                for secret in batch:
                    del waiting[secret]
        finally:
            for secret, tally in waiting.items():
                self._add(secret, tally.count, tally.last_at, tally.last_ip)

    async def _renew(self) -> None:
        """What is not written now is noted again at the next use."""
        renewed, self._renewed = self._renewed, {}
        if renewed:
            async with self._uow() as work:
                for (key_id, _), (seen, secret) in sorted(renewed.items(), key=lambda item: item[0]):
                    await work.keys.save_digest(key_id, secret, seen=seen.digest)

    def _add(self, secret: _Secret, count: int, at: datetime, address: str | None) -> None:
        if (tally := self._noted.get(secret)) is None:
            self._noted[secret] = _Tally(count, at, address)
        else:
            tally.add(count, at, address)


def _use(noted: tuple[_Secret, _Tally]) -> KeyUse:
    (key_id, version), tally = noted
    return KeyUse(key_id=key_id, version=version, count=tally.count, last_at=tally.last_at, last_ip=tally.last_ip)
