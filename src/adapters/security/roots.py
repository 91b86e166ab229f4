"""Every key we use, derived from the operator's list of root secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@dataclass(frozen=True, slots=True)
class Pepper:
    """32 bytes for one purpose. *id* names the root secret they come from, and tells nothing about it."""

    id: str
    key: bytes = field(repr=False)


class RootSecrets:
    """The first makes, all verify. The labels are a wire format: changing one orphans what was made under it.

    Raises ValueError where there is no secret, an empty one, or the same one twice; it never quotes them.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("root secrets: at least one, and none of them empty")
        self._materials = tuple(secret.encode() for secret in secrets)
        self.ids = tuple(sha256(_derive(material, "hexkey/id/v1")).hexdigest()[:8] for material in self._materials)
        if len(set(self.ids)) < len(self.ids):
            raise ValueError("root secrets: the same one is listed twice")

    def peppers(self, purpose: str) -> tuple[Pepper, ...]:
        """One for each root secret, in their order."""
        keys = (_derive(material, f"hexkey/{purpose}/v1") for material in self._materials)
        return tuple(map(Pepper, self.ids, keys))


def _derive(material: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode()).derive(material)
