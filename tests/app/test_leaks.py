"""Looking for keys in a stream, a piece at a time: the same is found whatever the pieces."""

import io
import re
import time
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.security.key_secrets import HmacKeySecrets, KeyFormat
from app.cli.keys.leaks import LONGEST, matches_in
from domain.model.ids import KeyId
from tests.support.ports import ROOTS

PATTERN = re.compile(KeyFormat("hk").pattern.encode())
KEY = HmacKeySecrets(ROOTS).mint(KeyId(UUID(int=7))).plain.encode()


def found(text: bytes, chunk: int) -> list[tuple[int, bytes]]:
    return list(matches_in(io.BytesIO(text), PATTERN, chunk))


def at_once(text: bytes) -> list[tuple[int, bytes]]:
    return [(1 + text.count(b"\n", 0, match.start()), match[0]) for match in PATTERN.finditer(text)]


pieces = st.lists(
    st.sampled_from([KEY, KEY[:-1], b"\n", b" ", b"x", b"_", b"\n" * 100, b"-" * 127, b"hk_"]), max_size=30
)


@settings(deadline=None)
@given(pieces, st.integers(1, 400))
def test_the_pieces_do_not_matter(parts: list[bytes], chunk: int) -> None:
    text = b"".join(parts)
    assert found(text, chunk) == at_once(text)


@pytest.mark.parametrize("offset", range(60, 100))
def test_a_key_across_two_pieces_is_found_once(offset: int) -> None:
    text = b"\n" * (200 - offset) + KEY + b"\n" + b"-" * 300
    assert found(text, 200) == [(201 - offset, KEY)]


def test_the_longest_key_is_shorter_than_what_waits() -> None:
    longest = HmacKeySecrets(ROOTS, prefix="a" * 16).mint(KeyId(UUID(int=2**128 - 1))).plain
    assert len(longest) + 2 <= LONGEST


def test_it_takes_time_as_the_text_is_long() -> None:
    """Ten times as much of what is worst takes ten times as long, give or take the machine."""

    def seconds(length: int) -> float:
        text = io.BytesIO((b"hk_" + b"a" * 22 + b"_" + b"b" * 48 + b"!\n") * length)
        start = time.process_time()
        assert not list(matches_in(text, PATTERN))
        return time.process_time() - start

    short = min(seconds(5_000) for _ in range(3))
    assert seconds(50_000) < 10 * 4 * max(short, 0.001)
