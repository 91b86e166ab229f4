"""What other services kept of their keys: it is proved by the same keys, and by nothing else."""

from dataclasses import replace

import pytest

from adapters.security.imported_secrets import SealedImportedSecrets
from adapters.security.pool import BoundedPool
from adapters.security.roots import RootSecrets
from domain.errors import Invalid
from domain.model.keys import ForeignDigest, Scheme, SecretVersion
from domain.model.presented import PresentedKey
from tests.support.examples import a_secret
from tests.support.foreign_keys import ALL, CHEAP_ARGON2, CHEAP_BCRYPT, OF_KWIK, PEPPER, ForeignKey

OLD, NEW = "kT3vQ9zLw6Yp1Rb8Xn4Ms7Jd2Fh5Gc0A", "a second root secret, of thirty-two bytes"


def under(*roots: str) -> SealedImportedSecrets:
    return SealedImportedSecrets(RootSecrets(list(roots)), pool=BoundedPool(threads=2, queue=9, patience=9.0))


def presented(imported: SealedImportedSecrets, plain: str, kept: ForeignDigest) -> PresentedKey:
    [found] = [one for one in imported.candidates(plain) if one.key_id == imported.keep(kept).key_id]
    return found


def secret_of(imported: SealedImportedSecrets, kept: ForeignDigest) -> SecretVersion:
    secret = imported.keep(kept)
    return a_secret(digest=secret.digest, pepper_id=secret.pepper_id)


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.plain[:24])
async def test_a_key_is_found_and_proved_by_its_own_text(key: ForeignKey) -> None:
    imported = under(OLD)
    kept = secret_of(imported, key.kept)
    shown = presented(imported, key.plain, key.kept)
    assert kept.is_imported
    assert await imported.proves(shown, kept)
    assert not await imported.proves(shown._replace(secret=shown.secret[:-1] + "!"), kept)


@pytest.mark.parametrize("key", [CHEAP_ARGON2, CHEAP_BCRYPT], ids=["argon2", "bcrypt"])
async def test_another_pepper_proves_nothing(key: ForeignKey) -> None:
    imported = under(OLD)
    kept = secret_of(imported, replace(key.kept, pepper=PEPPER[:-1]))
    assert not await imported.proves(presented(imported, key.plain, key.kept), kept)


async def test_what_is_sealed_is_opened_by_its_root_secret_only_and_for_its_key_only() -> None:
    old = under(OLD)
    kept, shown = secret_of(old, OF_KWIK.kept), presented(old, OF_KWIK.plain, OF_KWIK.kept)
    assert OF_KWIK.digest.encode() not in kept.digest
    assert await under(NEW, OLD).proves(shown, kept)
    assert not await under(NEW).proves(shown, kept)
    other = presented(old, CHEAP_ARGON2.plain, CHEAP_ARGON2.kept)
    assert not await old.proves(other._replace(secret=OF_KWIK.plain), kept)


@pytest.mark.parametrize("plain", ["", "short", "hk_" + "a" * 72, "eyJhbGciOiJ.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "ä" * 20])
def test_what_is_ours_or_too_short_is_nobody_elses(plain: str) -> None:
    assert under(OLD).candidates(plain) == ()


def test_the_same_key_has_the_same_id_whatever_the_root_secret_is_and_a_version() -> None:
    ids = {under(root).keep(key.kept).key_id for root in (OLD, NEW) for key in ALL}
    assert len(ids) == len(ALL)
    assert {key_id.version for key_id in ids} == {7}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"digest": CHEAP_ARGON2.digest.replace("m=1024", "m=262145")}, "digest"),
        ({"digest": CHEAP_ARGON2.digest.replace("t=1", "t=11")}, "digest"),
        ({"digest": CHEAP_ARGON2.digest.replace("p=1", "p=9")}, "digest"),
        ({"digest": CHEAP_ARGON2.digest.replace("t=1", "t=0")}, "digest"),
        ({"digest": CHEAP_ARGON2.digest.replace("argon2id", "argon2d")}, "digest"),
        ({"digest": "salt$mock"}, "digest"),
        ({"scheme": Scheme.KEYSHIELD_BCRYPT}, "digest"),
        ({"scheme": Scheme.KEYSHIELD_BCRYPT, "digest": CHEAP_BCRYPT.digest.replace("$04", "$15")}, "digest"),
        ({"scheme": Scheme.KEYSHIELD_BCRYPT, "digest": CHEAP_BCRYPT.digest.replace("$04", "$03")}, "digest"),
        ({"scheme": Scheme.SHA256, "digest": OF_KWIK.digest[:-1]}, "digest"),
        ({"scheme": Scheme.SHA512, "digest": OF_KWIK.digest}, "digest"),
        ({"scheme": Scheme.SHA256, "digest": "g" * 64}, "digest"),
        ({"pepper": None}, "scheme"),
        ({"foreign_id": None}, "key_id"),
        ({"foreign_id": "../etc"}, "key_id"),
    ],
)
def test_what_cannot_be_checked_or_costs_too_much_is_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        under(OLD).keep(replace(CHEAP_ARGON2.kept, **change))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert str(change.get("digest", "nothing")) not in str(refused.value)
