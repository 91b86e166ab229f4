import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.handshakes import HmacHandshakes
from domain.ports.identity_providers import Handshake, Handshakes

HANDSHAKES: Handshakes = HmacHandshakes()
BEGUN = HANDSHAKES.begin()
OTHER = HANDSHAKES.begin()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=")


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def resumed(state: str, cookie: str) -> Handshake:
    found = HANDSHAKES.resume(state, cookie)
    assert found is not None
    return found


def test_state_and_cookie_are_256_bits_and_no_two_are_the_same() -> None:
    halves = [half for _ in range(50) for begun in [HANDSHAKES.begin()] for half in (begun.state, begun.cookie)]
    assert {len(raw(half)) for half in halves} == {32}
    assert len(set(halves)) == 100


@pytest.mark.parametrize("name", ["state", "cookie", "nonce", "verifier", "challenge"])
def test_every_text_is_43_characters_that_fit_into_an_url_and_a_cookie(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", getattr(BEGUN, name))


def test_what_begins_is_resumed_from_its_two_halves() -> None:
    assert resumed(BEGUN.state, BEGUN.cookie) == BEGUN


def test_the_challenge_is_the_hash_of_the_verifier() -> None:
    assert BEGUN.challenge == text(sha256(BEGUN.verifier.encode()).digest())


def test_nonce_and_verifier_need_the_cookie() -> None:
    cookie, state = raw(BEGUN.cookie), raw(BEGUN.state)
    assert BEGUN.nonce == text(hmac.digest(cookie, b"nonce" + state, "sha256"))
    assert BEGUN.verifier == text(hmac.digest(cookie, b"verifier" + state, "sha256"))


@pytest.mark.parametrize("name", ["nonce", "verifier", "digest"])
def test_another_half_makes_another_handshake(name: str) -> None:
    crossed = [resumed(OTHER.state, BEGUN.cookie), resumed(BEGUN.state, OTHER.cookie), OTHER]
    crossed += [resumed(BEGUN.cookie, BEGUN.state)]
    assert len({getattr(handshake, name) for handshake in [BEGUN, *crossed]}) == 5


@pytest.mark.parametrize(
    "spoilt",
    ["", "{}A", "{}=", " {}", "{}\n", "{}{}", "é" * 43, "+" * 43, "A" * 42 + "B", "A" * 42, "A" * 44, "\ud800" * 43],
    ids=ascii,
)
def test_what_is_not_of_the_format_is_no_half(spoilt: str) -> None:
    half = spoilt.replace("{}", BEGUN.state)
    assert HANDSHAKES.resume(half, BEGUN.cookie) is None
    assert HANDSHAKES.resume(BEGUN.state, half) is None


@given(st.text(), st.text())
def test_no_text_of_a_stranger_does_harm(state: str, cookie: str) -> None:
    assert HANDSHAKES.resume(state, cookie) is None


def test_nothing_secret_is_shown() -> None:
    shown = repr(BEGUN)
    assert not any(getattr(BEGUN, name) in shown for name in ("state", "cookie", "nonce", "verifier"))
