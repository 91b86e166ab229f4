"""API keys: ``hk_<id>_<secret><checksum>``."""

import hmac
import os
import re
import secrets
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from adapters.security.base62 import CHECKSUM_WIDTH, UUID_WIDTH, checked, decode, encode, is_checked, is_uuid
from adapters.security.roots import RootSecrets
from domain.model.ids import KeyId
from domain.model.keys import SecretVersion
from domain.model.presented import PresentedKey
from domain.ports.security import MintedSecret

_SECRET_BITS = 256
_SECRET_WIDTH = 43
_PROVED_MAX = 10_000
_SECRET_MAX = encode(2**_SECRET_BITS - 1, _SECRET_WIDTH)


@lru_cache(4096)
def _key_id(digits: str) -> KeyId:
    """No secret, so it may be kept; and 4 µs are worth keeping."""
    return KeyId(UUID(int=decode(digits)))


class KeyFormat:
    """What a key looks like; who knows that much can tell one by its checksum, and nothing more.

    Raises ValueError for a *prefix* other than 2 to 16 of a-z and 0-9.
    """

    def __init__(self, prefix: str = "hk") -> None:
        if not re.fullmatch(r"[a-z0-9]{2,16}", prefix):
            raise ValueError("the key prefix: 2 to 16 of a-z and 0-9")
        self.pattern = rf"\b{prefix}_[0-9A-Za-z]{{{UUID_WIDTH}}}_[0-9A-Za-z]{{{_SECRET_WIDTH + CHECKSUM_WIDTH}}}\b"
        self._head = f"{prefix}_"
        begin = len(self._head) + UUID_WIDTH + 1
        self._secret = slice(begin, begin + _SECRET_WIDTH)
        self._length = self._secret.stop + CHECKSUM_WIDTH
        digits = "[0-9A-Za-z]"
        self._parts = re.compile(
            f"{prefix}_({digits}{{{UUID_WIDTH}}})_({digits}{{{_SECRET_WIDTH}}}){digits}{{{CHECKSUM_WIDTH}}}"
        )

    def prefix_of(self, key_id: KeyId) -> str:
        return f"{self._head}{encode(key_id.int, UUID_WIDTH)}"

    def read(self, plain: str) -> PresentedKey | None:
        if (parts := self._parts.fullmatch(plain)) is None:
            return None
        id_digits, secret = parts.groups()
        if secret > _SECRET_MAX or not (is_uuid(id_digits) and is_checked(plain)):
            return None
        return PresentedKey(_key_id(id_digits), secret)


class HmacKeySecrets(KeyFormat):
    """What is kept is the HMAC-SHA-256 of the secret's 43 digits, and the last four of the checksum to know it by."""

    def __init__(self, roots: RootSecrets, *, prefix: str = "hk") -> None:
        super().__init__(prefix)
        peppers = roots.peppers("api-key")
        self._newest = peppers[0]
        self._peppers = {pepper.id: _keyed(pepper.key) for pepper in peppers}
        self._no_pepper = _keyed(os.urandom(32))
        self._no_digest = os.urandom(32)
        self._proved: dict[bytes, _Proof] = {}

    def read(self, plain: str) -> PresentedKey | None:
        """A key that was proved before is known by its fingerprint: that takes a third of reading it."""
        if len(plain) != self._length or not plain.startswith(self._head) or not plain.isascii():
            return None
        fingerprint = blake2b(plain.encode()).digest()
        if (proof := self._proved.get(fingerprint)) is not None:
            return PresentedKey(proof.key_id, plain[self._secret], fingerprint)
        read = super().read(plain)
        return None if read is None else read._replace(fingerprint=fingerprint)

    def mint(self, key_id: KeyId) -> MintedSecret:
        secret = encode(secrets.randbits(_SECRET_BITS), _SECRET_WIDTH)
        plain = checked(f"{self.prefix_of(key_id)}_{secret}")
        digest = hmac.digest(self._newest.key, secret.encode(), "sha256")
        return MintedSecret(plain, digest, self._newest.id, last4=plain[-4:])

    def find_match(self, presented: PresentedKey, secrets: tuple[SecretVersion, ...]) -> SecretVersion | None:
        proof, found = self._proved.get(presented.fingerprint), None
        for version in secrets:
            if proof is not None and proof.pepper_id == version.pepper_id:
                matches = hmac.compare_digest(proof.digest, version.digest)
            else:
                matches = self._proves(presented.secret, version.pepper_id, version.digest)
            if matches:
                found = version
        if not secrets:
            self._proves(presented.secret, "", self._no_digest)
        elif found is not None and proof is None and presented.fingerprint:
            self._keep(presented.fingerprint, _Proof(presented.key_id, found.pepper_id, found.digest))
        return found

    def renewed(self, presented: PresentedKey, secret: SecretVersion) -> SecretVersion | None:
        if secret.pepper_id == self._newest.id:
            return None
        digest = hmac.digest(self._newest.key, presented.secret.encode(), "sha256")
        return replace(secret, digest=digest, pepper_id=self._newest.id)

    def _proves(self, secret: str, pepper_id: str, digest: bytes) -> bool:
        mac = self._peppers.get(pepper_id, self._no_pepper).copy()
        mac.update(secret.encode())
        return hmac.compare_digest(mac.digest(), digest)

    def _keep(self, fingerprint: bytes, proof: "_Proof") -> None:
        """The oldest goes when there are too many."""
        self._proved[fingerprint] = proof
        if len(self._proved) > _PROVED_MAX:
            del self._proved[next(iter(self._proved))]


class _Proof(NamedTuple):
    """That a text, known by its fingerprint, is of that key and has that digest under that pepper. Whether the key has
    such a secret now is asked each time.
    """

    key_id: KeyId
    pepper_id: str
    digest: bytes


def _keyed(key: bytes) -> hmac.HMAC:
    """What has taken in its key once is copied for every proof: that costs a third less than to begin anew."""
    return hmac.new(key, digestmod="sha256")
