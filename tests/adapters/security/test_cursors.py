import hmac
import re
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.cursors import SignedCursors
from adapters.security.roots import RootSecrets
from domain.ports.security import Cursors

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
OF = "projects?sort=-created_at"
PLACE = "2026-01-01T00:00:00Z 0192f3a4"
ANY_TEXT = st.text(st.characters(), max_size=40)


def cursors(*secrets: str) -> Cursors:
    return SignedCursors(RootSecrets(secrets or (OLD,)))


CURSORS = cursors()
CURSOR = CURSORS.sign(PLACE, of=OF)


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def length_prefixed(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "big") + text.encode()


def test_a_cursor_is_the_place_and_an_hmac_over_the_list_and_the_place_under_the_derived_key() -> None:
    extracted = hmac.digest(bytes(32), OLD.encode(), "sha256")
    pepper = hmac.digest(extracted, b"hexkey/cursor/v1\x01", "sha256")
    signature = hmac.digest(pepper, length_prefixed(OF) + length_prefixed(PLACE), "sha256")[:16]
    assert f"{b64(PLACE.encode())}.{b64(signature)}" == CURSOR


@given(ANY_TEXT, ANY_TEXT)
def test_what_is_signed_is_read_back_and_needs_no_escaping(place: str, of: str) -> None:
    cursor = CURSORS.sign(place, of=of)
    assert CURSORS.read(cursor, of=of) == place
    assert re.fullmatch(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{22}", cursor)


def test_a_cursor_is_the_same_whenever_it_is_made() -> None:
    assert cursors().sign(PLACE, of=OF) == CURSOR


@given(ANY_TEXT)
def test_a_cursor_is_good_for_its_own_list_only(other: str) -> None:
    assert CURSORS.read(CURSOR, of=other) == (PLACE if other == OF else None)


def test_nothing_moves_from_the_place_to_the_list() -> None:
    moved = CURSORS.sign("b", of="projectsa").partition(".")[2]
    assert CURSORS.read(f"{b64(b'ab')}.{moved}", of="projects") is None
    assert CURSORS.read(f"{b64(b'b')}.{moved}", of="projectsa") == "b"


def test_every_changed_character_is_noticed() -> None:
    for place, character in enumerate(CURSOR):
        for other in {"A", "B", "w", ".", "=", "-", "é", "\ud800", "\n", "+", ""} - {character}:
            assert CURSORS.read(CURSOR[:place] + other + CURSOR[place + 1 :], of=OF) is None


@pytest.mark.parametrize("more", ["=", "==", "\n", ".", ".x", "A", "!"])
def test_a_cursor_has_one_spelling(more: str) -> None:
    assert CURSORS.read(CURSOR + more, of=OF) is None
    assert CURSORS.read(more + CURSOR, of=OF) is None
    assert CURSORS.read(CURSOR.replace(".", more + "."), of=OF) is None


@pytest.mark.parametrize("cursor", ["", ".", "..", "x", b64(PLACE.encode()), b64(PLACE.encode()) + ".", "." * 10_000])
def test_an_unsigned_place_is_nothing(cursor: str) -> None:
    assert CURSORS.read(cursor, of=OF) is None


@given(ANY_TEXT, ANY_TEXT)
def test_no_text_makes_reading_fail(cursor: str, of: str) -> None:
    assert CURSORS.read(cursor, of=of) is None


def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped() -> None:
    moved = cursors(NEW, OLD).sign(PLACE, of=OF)
    assert moved == cursors(NEW).sign(PLACE, of=OF) != CURSOR
    for cursor in (CURSOR, moved):
        assert cursors(OLD, NEW).read(cursor, of=OF) == PLACE
        assert cursors(NEW, OLD).read(cursor, of=OF) == PLACE
    assert cursors(NEW).read(CURSOR, of=OF) is None
