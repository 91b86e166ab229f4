import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import DIGITS, checked, encode
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets
from adapters.security.session_cookies import OpaqueSessionCookies
from domain.model.ids import SessionId
from domain.model.presented import PresentedSession
from domain.ports.security import SessionCookies

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
SESSION_ID = SessionId(UUID("0192f3a4-5b6c-7d8e-8f90-a1b2c3d4e5f6"))


def cookies(*secrets: str) -> SessionCookies:
    return OpaqueSessionCookies(RootSecrets(secrets or (OLD,)))


COOKIES = cookies()
MINTED = COOKIES.mint(SESSION_ID)
PRESENTED = PresentedSession(SESSION_ID, MINTED.digest)


def written(id: int, secret: int, head: str = "hks_") -> str:
    return checked(f"{head}{encode(id, 22)}{encode(secret, 43)}")


def test_the_format_is_hks_the_sessions_id_43_digits_and_a_checksum() -> None:
    assert re.fullmatch(r"hks_[0-9A-Za-z]{71}", MINTED.plain)
    assert MINTED.plain[4:26] == encode(SESSION_ID.int, 22)


@given(st.uuids())
def test_what_is_minted_is_read_back(id: UUID) -> None:
    minted = COOKIES.mint(SessionId(id))
    assert minted.digest == sha256(minted.plain.encode()).digest()
    assert COOKIES.read(minted.plain) == PresentedSession(SessionId(id), minted.digest)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**256 - 1))
def test_every_id_and_secret_is_read_back(id: int, secret: int) -> None:
    plain = written(id, secret)
    assert COOKIES.read(plain) == PresentedSession(SessionId(UUID(int=id)), sha256(plain.encode()).digest())


def test_no_two_cookies_of_a_session_are_the_same() -> None:
    assert COOKIES.mint(SESSION_ID) != MINTED


def test_a_cookie_outlives_a_change_of_secrets() -> None:
    assert cookies(NEW).read(MINTED.plain) == PRESENTED


@pytest.mark.parametrize("place", range(len(MINTED.plain)))
def test_a_changed_or_lost_character_is_noticed(place: int) -> None:
    for other in (*DIGITS, "_", "-", "é", "\ud800", ""):
        if other != MINTED.plain[place]:
            assert COOKIES.read(MINTED.plain[:place] + other + MINTED.plain[place + 1 :]) is None


@pytest.mark.parametrize(
    "plain",
    [
        "",
        "hks_",
        checked("hks_"),
        MINTED.plain + "0",
        " " + MINTED.plain,
        MINTED.plain + "\n",
        "\ud800" * len(MINTED.plain),
        "é" * len(MINTED.plain),
        written(2**128, 1),
        written(1, 2**256),
        written(62**22 - 1, 62**43 - 1),
        written(1, 1, head="hkr_"),
        SealedRefreshTokens(RootSecrets([OLD])).mint().plain,
    ],
    ids=count(),
)
def test_what_is_not_of_our_format_is_nothing(plain: str) -> None:
    assert COOKIES.read(plain) is None


@given(st.text(max_size=100) | st.text(min_size=71, max_size=71))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert COOKIES.read(text) is None
    assert COOKIES.read("hks_" + text) is None


def test_the_token_is_an_hmac_over_the_id_and_the_digest_under_the_derived_key() -> None:
    extracted = hmac.digest(bytes(32), OLD.encode(), "sha256")
    pepper = hmac.digest(extracted, b"hexkey/csrf/v1\x01", "sha256")
    token = hmac.digest(pepper, SESSION_ID.bytes + MINTED.digest, "sha256")
    assert COOKIES.csrf_token(PRESENTED) == urlsafe_b64encode(token).rstrip(b"=").decode()


def test_the_token_is_the_same_whenever_it_is_asked_for() -> None:
    assert COOKIES.csrf_token(PRESENTED) == cookies().csrf_token(PRESENTED)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", COOKIES.csrf_token(PRESENTED))
    assert COOKIES.is_csrf_token(COOKIES.csrf_token(PRESENTED), PRESENTED)


def test_the_token_of_another_session_or_another_cookie_of_it_is_no_good() -> None:
    another = PresentedSession(SessionId(UUID(int=1)), MINTED.digest)
    renewed = PresentedSession(SESSION_ID, COOKIES.mint(SESSION_ID).digest)
    for other in (another, renewed):
        assert not COOKIES.is_csrf_token(COOKIES.csrf_token(other), PRESENTED)


def test_every_changed_character_of_a_token_is_noticed() -> None:
    token = COOKIES.csrf_token(PRESENTED)
    for place, character in enumerate(token):
        for other in {*DIGITS, "-", "_", "=", "é", ""} - {character}:
            assert not COOKIES.is_csrf_token(token[:place] + other + token[place + 1 :], PRESENTED)


@pytest.mark.parametrize(
    "token",
    ["", "é" * 43, "\ud800", "\0", "x" * 10_000, MINTED.plain, MINTED.digest.hex()],
    ids=count(),
)
def test_garbage_is_no_token(token: str) -> None:
    assert not COOKIES.is_csrf_token(token, PRESENTED)


@given(st.text(max_size=60))
def test_no_text_makes_the_comparison_fail(text: str) -> None:
    assert not COOKIES.is_csrf_token(text, PRESENTED)


def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped() -> None:
    before = cookies(OLD).csrf_token(PRESENTED)
    assert cookies(OLD, NEW).csrf_token(PRESENTED) == before
    moved = cookies(NEW, OLD).csrf_token(PRESENTED)
    assert moved == cookies(NEW).csrf_token(PRESENTED) != before
    for token in (before, moved):
        assert cookies(OLD, NEW).is_csrf_token(token, PRESENTED)
        assert cookies(NEW, OLD).is_csrf_token(token, PRESENTED)
    assert not cookies(NEW).is_csrf_token(before, PRESENTED)


def test_nothing_secret_is_shown() -> None:
    shown = repr((COOKIES, MINTED, PRESENTED))
    assert MINTED.plain not in shown
    assert repr(MINTED.digest) not in shown


def test_what_was_read_is_read_again_and_no_more_is_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.security.session_cookies._READ_MAX", 2)
    cookies = OpaqueSessionCookies(RootSecrets([OLD]))
    minted = [cookies.mint(SessionId(UUID(int=number))) for number in range(4)]
    for number, token in [*enumerate(minted), *enumerate(minted)]:
        assert cookies.read(token.plain) == PresentedSession(SessionId(UUID(int=number)), token.digest)
        assert cookies.read(token.plain[:-1] + "é") is None
        assert len(cookies._read) <= 2
