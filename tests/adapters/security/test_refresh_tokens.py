import re
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import DIGITS, decode, encode
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
TOKENS = SealedRefreshTokens(RootSecrets([OLD]))
TOKEN = TOKENS.mint().plain
SUCCESSOR = TOKENS.mint().plain


def tokens(*secrets: str) -> SealedRefreshTokens:
    return SealedRefreshTokens(RootSecrets(secrets))


def test_the_format_is_hkr_43_digits_and_a_checksum() -> None:
    assert re.fullmatch(r"hkr_[0-9A-Za-z]{49}", TOKEN)
    assert decode(TOKEN[-6:]) == crc32(TOKEN[:-6].encode())


def test_the_digest_is_the_same_for_who_presents_it_and_under_every_root_secret() -> None:
    minted = TOKENS.mint()
    assert minted.digest == sha256(minted.plain.encode()).digest()
    assert TOKENS.digest(minted.plain) == tokens(NEW).digest(minted.plain) == minted.digest


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_changed_character_is_noticed(place: int) -> None:
    for other in DIGITS + "_é":
        if other != TOKEN[place]:
            assert TOKENS.digest(TOKEN[:place] + other + TOKEN[place + 1 :]) is None


def test_more_than_256_bits_are_not_ours() -> None:
    body = "hkr_" + encode(2**256, 43)
    assert TOKENS.digest(body + encode(crc32(body.encode()), 6)) is None


@given(st.text(max_size=80))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert TOKENS.digest(text) is None


def test_a_seal_opens_for_the_presented_token_only() -> None:
    sealed = TOKENS.seal(SUCCESSOR, presented=TOKEN)
    assert TOKENS.unseal(sealed, presented=TOKEN) == SUCCESSOR
    assert TOKENS.unseal(sealed, presented=SUCCESSOR) is None
    assert SUCCESSOR.encode() not in sealed


def test_no_seal_is_made_twice() -> None:
    assert TOKENS.seal(SUCCESSOR, presented=TOKEN) != TOKENS.seal(SUCCESSOR, presented=TOKEN)


def test_a_damaged_seal_does_not_open() -> None:
    sealed = TOKENS.seal(SUCCESSOR, presented=TOKEN)
    for place in range(len(sealed)):
        damaged = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        assert TOKENS.unseal(damaged, presented=TOKEN) is None
        assert TOKENS.unseal(sealed[:place], presented=TOKEN) is None


def test_a_seal_survives_a_new_root_secret_until_its_own_is_dropped() -> None:
    sealed = TOKENS.seal(SUCCESSOR, presented=TOKEN)
    assert tokens(OLD, NEW).unseal(sealed, presented=TOKEN) == SUCCESSOR
    assert tokens(NEW, OLD).unseal(sealed, presented=TOKEN) == SUCCESSOR
    assert tokens(NEW).unseal(sealed, presented=TOKEN) is None
    assert tokens(NEW).unseal(tokens(NEW, OLD).seal(SUCCESSOR, presented=TOKEN), presented=TOKEN) == SUCCESSOR


def test_nothing_secret_is_shown() -> None:
    minted = TOKENS.mint()
    shown = repr((TOKENS, minted))
    assert minted.plain not in shown
    assert repr(minted.digest) not in shown
