from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from domain.model.ids import KeyId, SessionId, UserId
from domain.model.keys import ForeignDigest, SecretVersion
from domain.model.passwords import Password
from domain.model.presented import PresentedKey, PresentedSession


@dataclass(frozen=True, slots=True)
class MintedSecret:
    """*plain* is shown once; the rest is what is kept."""

    plain: str = field(repr=False)
    digest: bytes = field(repr=False)
    pepper_id: str
    last4: str


class KeySecrets(Protocol):
    """256 random bits: a keyed fast digest is enough. Nothing here does I/O."""

    def mint(self, key_id: KeyId) -> MintedSecret: ...

    def prefix_of(self, key_id: KeyId) -> str:
        """How every secret of the key begins; no secret itself."""

    def read(self, plain: str) -> PresentedKey | None:
        """None for what is not of our format or fails its checksum."""

    def find_match(self, presented: PresentedKey, secrets: tuple[SecretVersion, ...]) -> SecretVersion | None:
        """Which of *secrets* was presented. Works as long for none and for an unknown key (no secrets at all)."""

    def renewed(self, presented: PresentedKey, secret: SecretVersion) -> SecretVersion | None:
        """*secret*, which was presented, as it would be kept today; None where it is."""


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """What is kept of a key that another service made, and the id by which its text leads to it."""

    key_id: KeyId
    digest: bytes = field(repr=False)
    pepper_id: str


class ImportedSecrets(Protocol):
    """Keys that another service made, until their first use. But for slow hashes nothing here does I/O or waits."""

    def keep(self, foreign: ForeignDigest) -> KeptSecret:
        """Raises Invalid for what is no such digest, or costs more to check than is borne."""

    def candidates(self, plain: str) -> tuple[PresentedKey, ...]:
        """As which keys *plain* may be read, likeliest first; none for what is ours or too short."""

    def is_slow(self, key_id: KeyId, secret: SecretVersion) -> bool:
        """Whether `proves` takes its time."""

    async def proves(self, presented: PresentedKey, secret: SecretVersion) -> bool:
        """Raises Unavailable when too many are waiting."""


class PasswordHasher(Protocol):
    """Slow on purpose: call it outside the unit of work. Raises Unavailable when too many are waiting."""

    async def hash(self, password: Password) -> str: ...

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        """Works as long, and says False, where there is no hash: an unknown user cannot be told by the time."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether today's parameters would hash it otherwise."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """It names who and which session, and carries no permission: so it cannot be stale about them."""

    user_id: UserId
    session_id: SessionId
    expires_at: datetime
    real_user_id: UserId | None = None
    """Who acts as the user, if that is somebody else (the `act` claim of RFC 8693)."""


class AccessTokens(Protocol):
    def sign(self, claims: AccessClaims) -> str: ...

    def read(self, token: str) -> AccessClaims | None:
        """None for what we did not sign, is not an access token, or is past its time (60 s leeway)."""

    def public_keys(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517) that verifies our tokens."""


@dataclass(frozen=True, slots=True)
class MintedToken:
    plain: str = field(repr=False)
    digest: bytes = field(repr=False)


class RefreshTokens(Protocol):
    """Opaque one-time tokens of 256 random bits."""

    def mint(self) -> MintedToken: ...

    def digest(self, plain: str) -> bytes | None:
        """None for what is not of our format."""

    def seal(self, successor: str, *, presented: str) -> bytes:
        """Ciphertext of *successor* that opens only with *presented* and the root secret."""

    def unseal(self, sealed: bytes, *, presented: str) -> str | None: ...


class SessionCookies(Protocol):
    """What a browser session is known by: the session's id, 256 random bits, and a token against forged requests."""

    def mint(self, session_id: SessionId) -> MintedToken: ...

    def read(self, plain: str) -> PresentedSession | None:
        """None for what is not of our format."""

    def csrf_token(self, presented: PresentedSession) -> str:
        """Bound to that very cookie; the same whenever it is asked for."""

    def is_csrf_token(self, token: str, presented: PresentedSession) -> bool:
        """In constant time, under any root secret."""


class OneTimeSecrets(Protocol):
    """What mailed links carry: opaque, of 256 random bits."""

    def mint(self) -> MintedToken: ...

    def digest(self, plain: str) -> bytes | None:
        """None for what is not of our format."""


class Devices(Protocol):
    """Who signed in on this device before: a signed cookie that lasts 180 days, and no row."""

    def recognise(self, cookie: str | None, user_id: UserId) -> str | None:
        """The device's id, if that user signed in on it; None for a forged, garbled or stale cookie too."""

    def mark(self, cookie: str | None, user_id: UserId) -> str:
        """The cookie with that user added: the device keeps its id, and whoever else signed in on it."""

    def account_of_nobody(self, login: str) -> str:
        """A name for *login*, which is nobody's, to count attempts under: keyed, and it tells nothing."""


class Cursors(Protocol):
    """Where a list goes on, as a text that a caller hands back. It is signed, readable, and grants nothing."""

    def sign(self, place: str, *, of: str) -> str:
        """*of* names what the cursor is good for: the list, its filters, its order."""

    def read(self, cursor: str, *, of: str) -> str | None:
        """The place; None for what we did not sign, or signed for something else."""


class IdempotencySeals(Protocol):
    """What is kept of requests and answers, so that none of it can be read from the rows. Nothing here does I/O."""

    def digest(self, credential: str, operation: str, key: str) -> bytes:
        """A name for the three together; the same under every root secret."""

    def fingerprint(self, body: bytes, *, of: bytes) -> bytes:
        """Keyed, and different for each *of*, which is such a digest: nobody can tell alike bodies by it."""

    def is_fingerprint(self, fingerprint: bytes, body: bytes, *, of: bytes) -> bool:
        """In constant time, under any root secret."""

    def seal(self, content: bytes, *, key: str, of: bytes) -> bytes:
        """Ciphertext that opens only with *key*, *of* and the root secret."""

    def unseal(self, sealed: bytes, *, key: str, of: bytes) -> bytes | None: ...
