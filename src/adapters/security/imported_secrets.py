"""Keys that another service made: keyshield 2 (Argon2 or bcrypt, peppered), Kwik and others (SHA-256 or SHA-512).

What that service kept is sealed under a root secret until the key is first used; the name of its pepper says so. The id
of such a key is derived from what can be read off its text, so that the key is found as any other, and once only.
"""

import hmac
import os
import re
from hashlib import sha256, sha512
from uuid import UUID

import bcrypt
import msgspec
from argon2.exceptions import Argon2Error
from argon2.low_level import Type, verify_secret
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security.passwords import Cost
from adapters.security.pool import BoundedPool
from adapters.security.roots import RootSecrets
from domain.errors import Invalid
from domain.model.ids import KeyId
from domain.model.keys import IMPORTED, ForeignDigest, Scheme, SecretVersion
from domain.model.presented import PresentedKey
from domain.ports.security import KeptSecret

_NONCE = 12
_TEXT = re.compile(r"[!-~]{16,512}")
_SHA256, _SHA512 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")
_FOREIGN_ID = re.compile(r"[0-9A-Za-z_]{1,16}")
_KEYSHIELD = re.compile(r"[0-9A-Za-z_]{1,32}([-.:~|])(?P<id>[0-9A-Za-z_]{1,16})\1(?P<secret>(?:(?!\1)[!-~]){16,256})")
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_BCRYPT_ROUNDS_MAX = 14
_ARGON2 = re.compile(
    r"\$argon2(?:id|i)\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)


class _Sealed(msgspec.Struct, array_like=True):
    """A wire format: what is sealed of a key that has not been used yet."""

    scheme: Scheme
    digest: str
    pepper: str


class SealedImportedSecrets:
    """Slow hashes are checked in *pool*, where passwords are. *prefix* is that of our own keys."""

    def __init__(self, roots: RootSecrets, *, pool: BoundedPool, prefix: str = "hk") -> None:
        peppers = roots.peppers("imported-key")
        self._newest = peppers[0]
        self._ciphers = {f"{IMPORTED}{pepper.id}": AESGCM(pepper.key) for pepper in peppers}
        self._pool = pool
        self._not_foreign = (f"{prefix}_", "eyJ")

    def keep(self, foreign: ForeignDigest) -> KeptSecret:
        digest, lookup = _checked(foreign)
        key_id = _key_id(foreign.scheme, lookup)
        pepper_id, nonce = f"{IMPORTED}{self._newest.id}", os.urandom(_NONCE)
        plain = msgspec.json.encode(_Sealed(foreign.scheme, digest, foreign.pepper or ""))
        sealed = nonce + self._ciphers[pepper_id].encrypt(nonce, plain, key_id.bytes)
        return KeptSecret(key_id, sealed, pepper_id)

    def candidates(self, plain: str) -> tuple[PresentedKey, ...]:
        if plain.startswith(self._not_foreign) or not _TEXT.fullmatch(plain):
            return ()
        raw = plain.encode()
        found = [
            PresentedKey(_key_id(Scheme.SHA256, sha256(raw).hexdigest()), plain),
            PresentedKey(_key_id(Scheme.SHA512, sha512(raw).hexdigest()), plain),
        ]
        if match := _KEYSHIELD.fullmatch(plain):
            found.insert(0, PresentedKey(_key_id(Scheme.KEYSHIELD_ARGON2, match["id"]), match["secret"]))
        return tuple(found)

    def is_slow(self, key_id: KeyId, secret: SecretVersion) -> bool:
        sealed = self._opened(key_id, secret)
        return sealed is not None and sealed.scheme in _SLOW

    async def proves(self, presented: PresentedKey, secret: SecretVersion) -> bool:
        if (sealed := self._opened(presented.key_id, secret)) is None:
            return False
        if sealed.scheme in _SLOW:
            return await self._pool.run(_SLOW[sealed.scheme], sealed, presented.secret)
        hashing = sha256 if sealed.scheme is Scheme.SHA256 else sha512
        return hmac.compare_digest(hashing(presented.secret.encode()).hexdigest(), sealed.digest)

    def _opened(self, key_id: KeyId, secret: SecretVersion) -> _Sealed | None:
        """None where its root secret was dropped."""
        if (cipher := self._ciphers.get(secret.pepper_id)) is None:
            return None
        try:
            plain = cipher.decrypt(secret.digest[:_NONCE], secret.digest[_NONCE:], key_id.bytes)
        except InvalidTag:
            return None
        return msgspec.json.decode(plain, type=_Sealed)


def _argon2(sealed: _Sealed, secret: str) -> bool:
    """keyshield: the pepper behind the secret."""
    kind = Type.ID if sealed.digest.startswith("$argon2id$") else Type.I
    try:
        return verify_secret(sealed.digest.encode(), f"{secret}{sealed.pepper}".encode(), kind)
    except Argon2Error:
        return False


def _bcrypt(sealed: _Sealed, secret: str) -> bool:
    """keyshield: of an HMAC of the secret, so that nothing is cut off after 72 bytes; it may hold a NUL."""
    return bcrypt.checkpw(hmac.digest(sealed.pepper.encode(), secret.encode(), "sha256"), sealed.digest.encode())


_SLOW = {Scheme.KEYSHIELD_ARGON2: _argon2, Scheme.KEYSHIELD_BCRYPT: _bcrypt}


def _checked(foreign: ForeignDigest) -> tuple[str, str]:
    """The digest, and what is read off a key's text to find it. Raises Invalid."""
    match foreign.scheme:
        case Scheme.SHA256 | Scheme.SHA512:
            pattern = _SHA256 if foreign.scheme is Scheme.SHA256 else _SHA512
            if not pattern.fullmatch(digest := foreign.digest.lower()):
                raise Invalid("digest", f"is the {foreign.scheme} of the whole key, in hexadecimal")
            return digest, digest
        case Scheme.KEYSHIELD_ARGON2:
            _require_bearable_argon2(foreign.digest)
        case Scheme.KEYSHIELD_BCRYPT:
            _require_bearable_bcrypt(foreign.digest)
    if not foreign.pepper:
        raise Invalid("scheme", "needs the pepper that keyshield was given")
    if foreign.foreign_id is None or not _FOREIGN_ID.fullmatch(foreign.foreign_id):
        raise Invalid("key_id", "is keyshield's, of at most 16 letters and digits")
    return foreign.digest, foreign.foreign_id


def _require_bearable_argon2(digest: str) -> None:
    if (match := _ARGON2.fullmatch(digest)) is None:
        raise Invalid("digest", "is an Argon2 hash, such as $argon2id$v=19$m=65536,t=3,p=4$…")
    if not Cost(*map(int, match.groups())).is_bearable:
        raise Invalid("digest", "asks for more than 256 MiB, 10 passes or 8 lanes")


def _require_bearable_bcrypt(digest: str) -> None:
    if (match := _BCRYPT.fullmatch(digest)) is None:
        raise Invalid("digest", "is a bcrypt hash, such as $2b$12$…")
    if not 4 <= int(match[1]) <= _BCRYPT_ROUNDS_MAX:
        raise Invalid("digest", f"asks for other than 4 to {_BCRYPT_ROUNDS_MAX} rounds")


def _key_id(scheme: Scheme, lookup: str) -> KeyId:
    """A UUID of version 7, of the year 1970, as no other of ours is: its random bits are a hash of a hash."""
    family = "keyshield" if scheme in _SLOW else scheme.value
    random = int.from_bytes(sha256(f"hexkey/imported-key/v1\0{family}\0{lookup}".encode()).digest()[:10])
    return KeyId(UUID(int=0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1))
