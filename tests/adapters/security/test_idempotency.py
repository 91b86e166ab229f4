from itertools import combinations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.security.idempotency import AesIdempotencySeals
from adapters.security.roots import RootSecrets

OLD, NEW = "the first root secret, and long enough", "another root secret, and long enough"
SEALS = AesIdempotencySeals(RootSecrets([OLD]))
ROTATED = AesIdempotencySeals(RootSecrets([NEW, OLD]))
OTHERS = AesIdempotencySeals(RootSecrets([NEW]))
OF = SEALS.digest("session:1", "POST /v1/projects", "k")


def test_a_name_is_the_same_under_every_root_secret() -> None:
    assert len({seals.digest("session:1", "POST /v1/projects", "k") for seals in (SEALS, ROTATED, OTHERS)}) == 1


def test_no_two_requests_share_a_name() -> None:
    parts = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c"), ("a", "b", "C"), ("b", "a", "c")]
    assert all(SEALS.digest(*one) != SEALS.digest(*other) for one, other in combinations(parts, 2))


def test_a_body_is_known_by_its_fingerprint_under_any_root_secret() -> None:
    fingerprint = SEALS.fingerprint(b"body", of=OF)
    assert SEALS.is_fingerprint(fingerprint, b"body", of=OF)
    assert ROTATED.is_fingerprint(fingerprint, b"body", of=OF)
    assert not OTHERS.is_fingerprint(fingerprint, b"body", of=OF)
    assert not SEALS.is_fingerprint(fingerprint, b"Body", of=OF)
    assert not SEALS.is_fingerprint(fingerprint, b"body", of=bytes(32))
    assert ROTATED.fingerprint(b"body", of=OF) != fingerprint


@pytest.mark.parametrize("content", [b"", b"answer", bytes(range(256)) * 1024])
def test_a_seal_opens_with_its_key_under_any_root_secret(content: bytes) -> None:
    sealed = SEALS.seal(content, key="k", of=OF)
    assert SEALS.unseal(sealed, key="k", of=OF) == ROTATED.unseal(sealed, key="k", of=OF) == content
    assert ROTATED.unseal(ROTATED.seal(content, key="k", of=OF), key="k", of=OF) == content
    assert SEALS.seal(content, key="k", of=OF) != sealed


def test_a_seal_opens_with_nothing_less() -> None:
    sealed = SEALS.seal(b"answer", key="k", of=OF)
    assert SEALS.unseal(sealed, key="K", of=OF) is None
    assert SEALS.unseal(sealed, key="k", of=bytes(32)) is None
    assert OTHERS.unseal(sealed, key="k", of=OF) is None
    for place in range(len(sealed)):
        broken = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        assert SEALS.unseal(broken, key="k", of=OF) is None
        assert SEALS.unseal(sealed[:place], key="k", of=OF) is None


def test_the_key_is_made_as_the_contract_says() -> None:
    """HKDF-SHA-256 of the root secret under a label, and of that under the Idempotency-Key; AES-256-GCM."""

    def hkdf(material: bytes, info: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(material)

    sealed = SEALS.seal(b"answer", key="k", of=OF)
    cipher = AESGCM(hkdf(hkdf(OLD.encode(), b"hexkey/idempotency-seal/v1"), b"k"))
    assert cipher.decrypt(sealed[:12], sealed[12:], OF) == b"answer"
