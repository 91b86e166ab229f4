"""Opaque tokens: ``<head><43 digits><checksum>``, where the 43 digits are 256 random bits.

What is kept of one is the plain SHA-256 of its whole text, for 256 random bits need no pepper: so what a token
opens outlives a change of secrets.
"""

import secrets
from hashlib import sha256

from adapters.security.base62 import CHECKSUM_WIDTH, checked, encode, is_checked, is_digits
from domain.ports.security import MintedToken

_BITS = 256
_WIDTH = 43
TOKEN_WIDTH = _WIDTH + CHECKSUM_WIDTH
"""What follows the head."""

_MAX = encode(2**_BITS - 1, _WIDTH)


def minted(head: str) -> MintedToken:
    plain = checked(head + encode(secrets.randbits(_BITS), _WIDTH))
    return MintedToken(plain, sha256(plain.encode()).digest())


def digest_of(plain: str, *, head: str) -> bytes | None:
    """None for what is not *head*, which is ASCII, and the rest of our format."""
    digits = plain[len(head) :]
    is_ours = (
        plain.startswith(head)
        and len(digits) == _WIDTH + CHECKSUM_WIDTH
        and is_digits(digits)
        and digits[:_WIDTH] <= _MAX
        and is_checked(plain)
    )
    return sha256(plain.encode()).digest() if is_ours else None
