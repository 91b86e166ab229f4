from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base64url import decode, encode


@given(st.binary())
def test_what_is_encoded_is_decoded(raw: bytes) -> None:
    assert decode(encode(raw)) == raw


@given(st.binary())
def test_it_is_base64url_without_padding(raw: bytes) -> None:
    text = encode(raw)
    assert "=" not in text
    assert urlsafe_b64decode(text + "=" * (-len(text) % 4)) == raw


@pytest.mark.parametrize("text", ["_-8=", "+/8", "_-9", "_", "_-8\n", " _-8", "_-8!", "é", "\ud800", "٣٣", "AA=A"])
def test_another_spelling_is_nothing(text: str) -> None:
    assert decode("_-8") == b"\xff\xef"
    assert decode(text) is None


@given(st.text(max_size=40))
def test_every_text_is_read_as_it_was_written_or_not_at_all(text: str) -> None:
    raw = decode(text)
    assert raw is None or encode(raw) == text
