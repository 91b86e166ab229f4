import re
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from adapters.security.one_time_secrets import OpaqueOneTimeSecrets
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets
from domain.ports.security import OneTimeSecrets

SECRETS: OneTimeSecrets = OpaqueOneTimeSecrets()


def test_the_format_is_hko_43_digits_and_a_checksum() -> None:
    assert re.fullmatch(r"hko_[0-9A-Za-z]{49}", SECRETS.mint().plain)


def test_the_digest_is_the_same_for_who_presents_it() -> None:
    minted = SECRETS.mint()
    assert SECRETS.digest(minted.plain) == minted.digest == sha256(minted.plain.encode()).digest()


def test_a_refresh_token_is_no_one_time_secret_nor_the_other_way_round() -> None:
    refresh_tokens = SealedRefreshTokens(RootSecrets(["the first root secret, 32 bytes or more"]))
    assert SECRETS.digest(refresh_tokens.mint().plain) is None
    assert refresh_tokens.digest(SECRETS.mint().plain) is None


@given(st.text(max_size=80))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert SECRETS.digest(text) is None
