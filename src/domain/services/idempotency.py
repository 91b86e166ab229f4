"""Work that is done once, and the first answer told again: see `domain.model.idempotency`."""

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from domain.errors import IdempotencyKeyReused, IdempotencySecretGone
from domain.model.actors import Actor
from domain.model.idempotency import Answer, Record
from domain.model.ids import ClaimId
from domain.ports.security import IdempotencySeals
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

T_contra = TypeVar("T_contra", contravariant=True)


class Once(Protocol[T_contra]):
    """What a use case tells of its result, as the last thing in the unit of work that has the effect."""

    async def keep(self, work: UnitOfWork, result: T_contra) -> None:
        """The answer stands. Raises IdempotencyInProgress: somebody else does the same, so none of this is to be."""

    async def draft(self, work: UnitOfWork, result: T_contra) -> None:
        """As `keep`, where the last word on *result* is only known after the commit."""


class _Repeatedly:
    async def keep(self, work: UnitOfWork, result: object) -> None:
        pass

    async def draft(self, work: UnitOfWork, result: object) -> None:
        pass


REPEATEDLY: Once[Any] = _Repeatedly()
"""For who sent no key: each call is one of its own."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What was answered the first time."""

    content: bytes = field(repr=False)


class IdempotencyService:
    def __init__(self, *, uow: UnitOfWorkFactory, seals: IdempotencySeals, clock: Clock, ids: IdGenerator) -> None:
        self._uow = uow
        self._seals = seals
        self._clock = clock
        self._ids = ids

    async def begin(self, actor: Actor, key: str, *, operation: str, body: bytes) -> "Claim | Replay":
        """*key* is good for this credential and *operation*, such as ``POST /v1/projects``. To claim is a unit of work
        of its own, so that everybody sees it before the work begins.

        Raises IdempotencyKeyReused, IdempotencyInProgress, IdempotencySecretGone.
        """
        now, digest = self._clock.now(), self._seals.digest(_credential(actor), operation, key)
        fingerprint = self._seals.fingerprint(body, of=digest)
        record = Record.claim(digest=digest, fingerprint=fingerprint, id=ClaimId(self._ids.new()), now=now)
        async with self._uow() as work:
            kept = await work.idempotency.claim(record)
            if kept.claim_id == record.claim_id:
                return self._claim(record, key)
            if not kept.is_expired(now=now) and not self._seals.is_fingerprint(kept.fingerprint, body, of=digest):
                raise IdempotencyKeyReused
            if kept.is_free(now=now):
                await work.idempotency.save(record, claim_id=kept.claim_id)
                return self._claim(record, key)
            sealed = kept.answer(now=now)
        if (content := self._seals.unseal(sealed, key=key, of=digest)) is None:
            raise IdempotencySecretGone
        return Replay(content)

    def _claim(self, record: Record, key: str) -> "Claim":
        return Claim(record, key, uow=self._uow, seals=self._seals, clock=self._clock)


class Claim:
    """The right to do the work. It can be lost: then whatever is kept under it is refused."""

    def __init__(
        self, record: Record, key: str, *, uow: UnitOfWorkFactory, seals: IdempotencySeals, clock: Clock
    ) -> None:
        self._record = record
        self._key = key
        self._uow = uow
        self._seals = seals
        self._clock = clock
        self._kept: Answer | None = None

    async def keep(self, work: UnitOfWork, answer: Answer) -> None:
        """Raises IdempotencyInProgress."""
        record = self._record.answered(self._sealed(answer), is_secret=answer.is_secret, now=self._clock.now())
        await work.idempotency.save(record, claim_id=record.claim_id)
        self._kept = answer

    async def draft(self, work: UnitOfWork, answer: Answer) -> None:
        """Raises IdempotencyInProgress."""
        record = self._record.drafted(self._sealed(answer), is_secret=answer.is_secret, now=self._clock.now())
        await work.idempotency.save(record, claim_id=record.claim_id)

    async def settle(self, answer: Answer) -> None:
        """Before *answer* is told: what is told is what is kept, be it a refusal. Raises IdempotencyInProgress."""
        if answer != self._kept:
            async with self._uow() as work:
                await self.keep(work, answer)

    async def release(self) -> None:
        """Nothing came of it, as far as one knows: whoever asks again may try at once."""
        async with self._uow() as work:
            await work.idempotency.release(self._record)

    def _sealed(self, answer: Answer) -> bytes:
        return self._seals.seal(answer.content, key=self._key, of=self._record.digest)


def _credential(actor: Actor) -> str:
    """All secrets of a key are one credential, and so are all access tokens, and the cookie, of a session."""
    return f"key:{actor.key_id}" if actor.key_id is not None else f"session:{actor.own_session()}"
