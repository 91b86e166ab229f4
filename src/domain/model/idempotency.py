"""What is done once, however often it is asked for under one ``Idempotency-Key``.

A record is claimed before the work, and answered in the unit of work that has the effect: so there is an answer if
there is an effect. Who has not answered when the claim runs out has died, or takes too long: somebody else may claim it
then, under an id of their own, and a save under the old one is refused. It is the id that keeps a second effect away,
not the time: clocks only decide how long others are told to wait.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.errors import IdempotencyInProgress, IdempotencySecretGone
from domain.model.ids import ClaimId

CLAIMED_FOR = timedelta(seconds=60)
DRAFTED_FOR = timedelta(seconds=5)
"""Longer than a commit takes: what an answer says of the time after it has come true when somebody else reads it."""
KEPT_FOR = timedelta(hours=24)
SECRET_KEPT_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told, as the caller's side of the service writes it."""

    content: bytes = field(repr=False)
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """*digest* names whose key it is and for what, *fingerprint* what was asked. Until *claimed_until* only *claim_id*
    has the word. An answer is there once *shown_until* is, and shown until then; later *sealed* is erased.
    """

    digest: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    claim_id: ClaimId
    claimed_until: datetime
    expires_at: datetime
    sealed: bytes | None = field(default=None, repr=False)
    shown_until: datetime | None = None

    @classmethod
    def claim(cls, *, digest: bytes, fingerprint: bytes, id: ClaimId, now: datetime) -> "Record":
        return cls(
            digest=digest,
            fingerprint=fingerprint,
            claim_id=id,
            claimed_until=now + CLAIMED_FOR,
            expires_at=now + KEPT_FOR,
        )

    def answered(self, sealed: bytes, *, is_secret: bool, now: datetime) -> "Record":
        shown_until = now + SECRET_KEPT_FOR if is_secret else self.expires_at
        return replace(self, sealed=sealed, shown_until=shown_until, claimed_until=now)

    def drafted(self, sealed: bytes, *, is_secret: bool, now: datetime) -> "Record":
        """As `answered`, but nobody else reads it for a while: whoever drafts it knows more after the commit."""
        return replace(self.answered(sealed, is_secret=is_secret, now=now), claimed_until=now + DRAFTED_FOR)

    def is_expired(self, *, now: datetime) -> bool:
        return now >= self.expires_at

    def is_free(self, *, now: datetime) -> bool:
        """Whether somebody else may claim it: its time is over, or the claim is and nothing came of it."""
        return self.is_expired(now=now) or (self.shown_until is None and now >= self.claimed_until)

    def answer(self, *, now: datetime) -> bytes:
        """Sealed. Raises IdempotencyInProgress, IdempotencySecretGone."""
        if self.shown_until is None or now < self.claimed_until:
            raise IdempotencyInProgress
        if self.sealed is None or now >= self.shown_until:
            raise IdempotencySecretGone
        return self.sealed
