import hashlib
import hmac
import re
from dataclasses import replace
from itertools import count
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import DIGITS
from adapters.security.key_secrets import HmacKeySecrets
from adapters.security.roots import RootSecrets
from domain.model.ids import KeyId
from domain.model.keys import SecretVersion
from domain.model.presented import PresentedKey
from domain.ports.security import MintedSecret
from tests.support.examples import a_secret

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
KEY_ID = KeyId(UUID("0192f3a4-5b6c-7d8e-8f90-a1b2c3d4e5f6"))
KEYS = HmacKeySecrets(RootSecrets([OLD]))
MINTED = KEYS.mint(KEY_ID)


def base62(number: int, width: int) -> str:
    digits = ""
    while number:
        digits, number = DIGITS[number % 62] + digits, number // 62
    return digits.rjust(width, "0")


def written(id: int, secret: int, prefix: str = "hk") -> str:
    body = f"{prefix}_{base62(id, 22)}_{base62(secret, 43)}"
    return body + base62(crc32(body.encode()), 6)


def kept(minted: MintedSecret, version: int = 1) -> SecretVersion:
    return a_secret(version, digest=minted.digest, pepper_id=minted.pepper_id, last4=minted.last4)


def presented(keys: HmacKeySecrets, minted: MintedSecret) -> PresentedKey:
    read = keys.read(minted.plain)
    assert read is not None
    return read


def test_the_format_is_what_scanners_look_for() -> None:
    assert re.fullmatch(r"hk_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}", MINTED.plain)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**256 - 1))
def test_every_id_and_secret_is_read_back(id: int, secret: int) -> None:
    read = KEYS.read(written(id, secret))
    assert read is not None
    assert (read.key_id, read.secret) == (UUID(int=id), base62(secret, 43))


@given(st.uuids())
def test_what_is_minted_is_read_back(id: UUID) -> None:
    minted = KEYS.mint(KeyId(id))
    assert presented(KEYS, minted).key_id == id
    assert minted.last4 == minted.plain[-4:]


def test_the_digest_is_an_hmac_of_the_secrets_digits_under_the_derived_pepper() -> None:
    extracted = hmac.digest(bytes(32), OLD.encode(), "sha256")
    pepper = hmac.digest(extracted, b"hexkey/api-key/v1\x01", "sha256")
    assert MINTED.digest == hmac.new(pepper, MINTED.plain[26:69].encode(), hashlib.sha256).digest()


@pytest.mark.parametrize("place", range(len(MINTED.plain)))
def test_a_changed_character_is_noticed(place: int) -> None:
    for other in DIGITS + "_-é ":
        if other != MINTED.plain[place]:
            assert KEYS.read(MINTED.plain[:place] + other + MINTED.plain[place + 1 :]) is None


@pytest.mark.parametrize("place", range(len(MINTED.plain) - 1))
def test_two_swapped_neighbours_are_noticed(place: int) -> None:
    one, other = MINTED.plain[place : place + 2]
    swapped = MINTED.plain[:place] + other + one + MINTED.plain[place + 2 :]
    assert swapped == MINTED.plain or KEYS.read(swapped) is None


@pytest.mark.parametrize(
    "plain",
    [
        "",
        "hk_",
        MINTED.plain + "0",
        MINTED.plain[:-1],
        " " + MINTED.plain,
        MINTED.plain + "\n",
        MINTED.plain.replace("hk_", "HK_"),
        "\ud800" * len(MINTED.plain),
        written(2**128, 1),
        written(1, 2**256),
        written(62**22 - 1, 62**43 - 1),
        written(1, 1, prefix="xx"),
        written(1, 1, prefix="hkr"),
    ],
    ids=count(),
)
def test_what_is_not_of_our_format_is_nothing(plain: str) -> None:
    assert KEYS.read(plain) is None


@given(st.text(max_size=100))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert KEYS.read(text) is None


def test_the_prefix_is_a_setting() -> None:
    keys = HmacKeySecrets(RootSecrets([OLD]), prefix="acme7")
    minted = keys.mint(KEY_ID)
    assert minted.plain.startswith("acme7_")
    assert presented(keys, minted).key_id == KEY_ID
    assert KEYS.read(minted.plain) is None


@pytest.mark.parametrize("prefix", ["", "h", "h" * 17, "HK", "h_k", "hk\n", "hé"])
def test_a_prefix_is_2_to_16_of_a_to_z_and_digits(prefix: str) -> None:
    with pytest.raises(ValueError, match="2 to 16"):
        HmacKeySecrets(RootSecrets([OLD]), prefix=prefix)


def test_the_presented_secret_is_found_among_the_keys_versions() -> None:
    newer = KEYS.mint(KEY_ID)
    versions = (kept(MINTED, 1), kept(newer, 2))
    assert KEYS.find_match(presented(KEYS, MINTED), versions) == versions[0]
    assert KEYS.find_match(presented(KEYS, newer), versions) == versions[1]


def test_what_was_proved_is_known_and_asked_each_time_whether_it_is_still_kept() -> None:
    keys = HmacKeySecrets(RootSecrets([NEW, OLD]))
    older, newer = kept(MINTED, 1), kept(keys.mint(KEY_ID), 2)
    for _ in range(3):
        again = presented(keys, MINTED)
        assert (again.key_id, again.secret) == (KEY_ID, MINTED.plain[26:69])
        assert keys.find_match(again, (older, newer)) == older
        assert keys.find_match(again, (newer,)) is None
        assert keys.find_match(again, ()) is None
        renewed = keys.renewed(again, older)
        assert renewed is not None
        assert keys.find_match(again, (renewed,)) == renewed
        assert keys.find_match(again, (replace(renewed, pepper_id=older.pepper_id),)) is None
    assert MINTED.plain[26:69] not in repr(vars(keys))


def test_what_was_not_proved_is_not_remembered() -> None:
    keys = HmacKeySecrets(RootSecrets([OLD]))
    other = presented(keys, keys.mint(KEY_ID))
    for _ in range(2):
        assert keys.find_match(other, (kept(MINTED),)) is None
        assert keys.read(MINTED.plain[:-1] + "x") is None
    assert keys._proved == {}


def test_no_more_proofs_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.security.key_secrets._PROVED_MAX", 2)
    keys = HmacKeySecrets(RootSecrets([OLD]))
    minted = [keys.mint(KEY_ID) for _ in range(4)]
    for each in (*minted, *minted):
        assert keys.find_match(presented(keys, each), (kept(each),)) == kept(each)
        assert len(keys._proved) <= 2


def test_another_secret_or_none_is_not_found() -> None:
    other = presented(KEYS, KEYS.mint(KEY_ID))
    assert KEYS.find_match(other, (kept(MINTED),)) is None
    assert KEYS.find_match(other, ()) is None


def test_no_secret_costs_the_same_work_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[int] = []
    real = hmac.digest
    monkeypatch.setattr(hmac, "digest", lambda key, text, name: (work.append(len(text)), real(key, text, name))[1])
    KEYS.find_match(presented(KEYS, MINTED), (kept(MINTED),))
    one = work.copy()
    KEYS.find_match(presented(KEYS, MINTED), ())
    assert work == one * 2


def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped() -> None:
    versions = (kept(MINTED),)
    for secrets in ([OLD, NEW], [NEW, OLD]):
        keys = HmacKeySecrets(RootSecrets(secrets))
        assert keys.find_match(presented(keys, MINTED), versions) == versions[0]
    moved = HmacKeySecrets(RootSecrets([NEW, OLD])).mint(KEY_ID)
    alone = HmacKeySecrets(RootSecrets([NEW]))
    assert alone.find_match(presented(alone, moved), (kept(moved),)) is not None
    assert alone.find_match(presented(alone, MINTED), versions) is None


def test_a_secret_that_was_presented_is_renewed_under_the_newest_root_and_only_once() -> None:
    keys, alone = HmacKeySecrets(RootSecrets([NEW, OLD])), HmacKeySecrets(RootSecrets([NEW]))
    renewed = keys.renewed(presented(keys, MINTED), kept(MINTED))
    assert renewed is not None
    assert renewed == replace(kept(MINTED), digest=renewed.digest, pepper_id=renewed.pepper_id)
    assert alone.find_match(presented(alone, MINTED), (renewed,)) == renewed
    assert keys.renewed(presented(keys, MINTED), renewed) is None


def test_nothing_secret_is_shown() -> None:
    secret = MINTED.plain[26:69]
    shown = repr((KEYS, MINTED, presented(KEYS, MINTED), kept(MINTED)))
    assert secret not in shown
    assert repr(MINTED.digest) not in shown
