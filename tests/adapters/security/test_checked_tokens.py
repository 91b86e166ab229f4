import re
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import DIGITS, checked, decode, encode
from adapters.security.checked_tokens import digest_of, minted

HEAD = "hkx_"
TOKEN = minted(HEAD).plain


def test_a_token_is_its_head_43_digits_and_a_checksum() -> None:
    assert re.fullmatch(r"hkx_[0-9A-Za-z]{49}", TOKEN)
    assert decode(TOKEN[-6:]) == crc32(TOKEN[:-6].encode())


def test_no_two_tokens_are_the_same() -> None:
    assert len({minted(HEAD).plain for _ in range(100)}) == 100


@given(st.integers(0, 2**256 - 1))
def test_every_number_of_256_bits_is_a_token_known_by_the_sha_256_of_its_text(number: int) -> None:
    plain = checked(HEAD + encode(number, 43))
    assert digest_of(plain, head=HEAD) == sha256(plain.encode()).digest()


@given(st.integers(2**256, 62**43 - 1))
def test_more_than_256_bits_are_not_ours(number: int) -> None:
    assert digest_of(checked(HEAD + encode(number, 43)), head=HEAD) is None


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_changed_or_lost_character_is_noticed(place: int) -> None:
    for other in (*DIGITS, "_", "é", "٣", "\ud800", "", "00"):
        if other != TOKEN[place]:
            assert digest_of(TOKEN[:place] + other + TOKEN[place + 1 :], head=HEAD) is None


@pytest.mark.parametrize("other", [HEAD.upper(), "hky_", "hkx", "hkx__", ""])
def test_a_token_of_another_head_is_not_ours(other: str) -> None:
    assert digest_of(minted(other).plain, head=HEAD) is None


@given(st.text(max_size=80) | st.text(st.characters(), min_size=49, max_size=49))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert digest_of(text, head=HEAD) is None
    assert digest_of(HEAD + text, head=HEAD) is None


def test_nothing_secret_is_shown() -> None:
    token = minted(HEAD)
    assert token.plain not in repr(token)
    assert repr(token.digest) not in repr(token)
