from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import DIGITS, checked, decode, encode, is_checked, is_digits, is_uuid


@pytest.mark.parametrize(
    ("number", "text"), [(0, "000"), (9, "009"), (10, "00A"), (36, "00a"), (61, "00z"), (62, "010")]
)
def test_digits_count_up_through_capitals_to_small_letters(number: int, text: str) -> None:
    assert encode(number, 3) == text
    assert decode(text) == number


@given(st.integers(0, 2**256 - 1))
def test_what_is_encoded_is_decoded(number: int) -> None:
    assert decode(encode(number, 43)) == number


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_texts_of_one_length_compare_as_their_numbers_do(one: int, other: int) -> None:
    assert (encode(one, 22) < encode(other, 22)) == (one < other)


@pytest.mark.parametrize("number", [62**3, -1])
def test_what_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(OverflowError, match="3 digits"):
        encode(number, 3)


@given(st.text(max_size=8))
def test_digits_are_the_62_and_nothing_else(text: str) -> None:
    assert is_digits(text) == (set(text) <= set(DIGITS))


@given(st.uuids())
def test_a_uuid_is_22_digits(id: UUID) -> None:
    assert is_uuid(encode(id.int, 22))


@pytest.mark.parametrize("number", [0, 2**128 - 1])
def test_the_first_and_the_last_uuid_are_uuids(number: int) -> None:
    assert is_uuid(encode(number, 22))


@pytest.mark.parametrize("text", ["", "0" * 21, "0" * 23, "0" * 21 + "_", "\u0663" * 22, encode(2**128, 22), "z" * 22])
def test_other_texts_are_no_uuid(text: str) -> None:
    assert not is_uuid(text)


@pytest.mark.parametrize("text", ["", "hk_abc", "0" * 60])
def test_the_last_six_digits_are_the_crc_32(text: str) -> None:
    assert decode(checked(text)[-6:]) == crc32(text.encode())
    assert is_checked(checked(text))
