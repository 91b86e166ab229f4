import hashlib
import hmac

import pytest

from adapters.security.roots import RootSecrets

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"


def hkdf(secret: str, info: bytes) -> bytes:
    """RFC 5869 by hand: extract with a salt of zeros, then the first block of expand."""
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


@pytest.mark.parametrize("purpose", ["api-key", "seal", "password", "jwt/ed25519"])
def test_a_pepper_is_hkdf_sha_256_of_the_secret_under_its_label(purpose: str) -> None:
    (pepper,) = RootSecrets([OLD]).peppers(purpose)
    assert pepper.key == hkdf(OLD, f"hexkey/{purpose}/v1".encode())


def test_the_id_of_a_pepper_comes_from_a_derivation_of_its_own() -> None:
    (pepper,) = RootSecrets([OLD]).peppers("api-key")
    assert pepper.id == hashlib.sha256(hkdf(OLD, b"hexkey/id/v1")).hexdigest()[:8]


def test_the_id_names_the_secret_and_not_its_place_or_purpose() -> None:
    before = RootSecrets([OLD, NEW])
    after = RootSecrets([NEW, OLD])
    assert before.ids == tuple(reversed(after.ids))
    assert before.peppers("api-key")[0].id == after.peppers("seal")[1].id


def test_each_purpose_has_a_key_of_its_own() -> None:
    roots = RootSecrets([OLD, NEW])
    keys = [pepper.key for purpose in ("api-key", "seal", "password") for pepper in roots.peppers(purpose)]
    assert len(set(keys)) == 6


def test_secrets_are_utf_8() -> None:
    (pepper,) = RootSecrets(["pässwörter aus der küche, viele davon"]).peppers("seal")
    assert pepper.key == hkdf("pässwörter aus der küche, viele davon", b"hexkey/seal/v1")


@pytest.mark.parametrize("secrets", [[], [""], [OLD, ""], [OLD, OLD]])
def test_a_useless_list_is_refused_without_quoting_it(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="root secrets") as refusal:
        RootSecrets(secrets)
    assert OLD not in str(refusal.value)


def test_nothing_secret_is_shown() -> None:
    roots = RootSecrets([OLD])
    (pepper,) = roots.peppers("api-key")
    assert OLD not in repr(roots)
    assert repr(pepper) == f"Pepper(id='{pepper.id}')"
