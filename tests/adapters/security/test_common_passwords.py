import secrets
import unicodedata
from collections.abc import Container

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security import common_passwords
from adapters.security.common_passwords import CommonPasswords
from domain.errors import Invalid
from domain.model.passwords import PasswordPolicy

COMMON: Container[str] = CommonPasswords()
TEXT = common_passwords._FILE.read_bytes().decode()
LINES = TEXT.split("\n")[:-1]
KNOWN = frozenset(LINES)
POLICY = PasswordPolicy(common=COMMON)


def test_the_file_is_sorted_so_that_it_can_be_searched() -> None:
    assert TEXT.endswith("\n")
    assert [line.encode() for line in LINES] == sorted({line.encode() for line in LINES})


def test_the_file_holds_100_000_passwords_as_they_are_compared() -> None:
    assert len(LINES) == 100_000
    assert all(8 <= len(line) <= 128 and line.isprintable() for line in LINES)
    assert [unicodedata.normalize("NFKC", line).casefold() for line in LINES] == LINES


def test_every_line_is_found() -> None:
    assert [line for line in [LINES[0], *LINES[:: len(LINES) // 5000], LINES[-1]] if line not in COMMON] == []


@given(st.sampled_from(LINES), st.integers(0, 20), st.text(max_size=3))
def test_nothing_but_its_lines_is_found(line: str, place: int, other: str) -> None:
    for text in (line[:place] + other + line[place + 1 :], line[:place], line + other, other + line):
        assert (text in COMMON) == (text in KNOWN)


@given(st.text(st.characters(), max_size=40))
def test_no_text_makes_the_search_fail(text: str) -> None:
    assert (text in COMMON) == (text in KNOWN)


@pytest.mark.parametrize("other", ["", "\n", f"{LINES[0]}\n{LINES[1]}", f"{LINES[0]}\n", TEXT, "\U0010ffff", None, 8])
def test_what_is_no_line_is_not_found(other: object) -> None:
    assert other not in COMMON


def test_a_process_that_judges_no_new_password_opens_nothing() -> None:
    common = CommonPasswords()
    assert vars(common) == {}
    assert "password" in common
    assert "_lines" in vars(common)


@pytest.mark.parametrize(
    "raw",
    [
        "password12345678",
        "Password!!!!!!!!",
        "passwordpassword",
        "iloveyouiloveyou",
        "qwertyuiopasdfgh",
        "QwertyUiopAsdfGh",
        "1qaz2wsx3edc4rfv",
        "administrator123",
        "Administrator-2026",
        "1q2w3e4r5t6y7u8i",
        "correcthorsebatterystaple",
        "thequickbrownfox",
        "letmeinletmeinletmein",
        "charlie123456789",
        "hexkeypassword1!",
        "sunshine - 19/11/2026",
    ],
)
def test_what_a_guesser_tries_first_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        POLICY.accept(raw)


@pytest.mark.parametrize("raw", ["correct horse battery", "blåbærsyltetøy på brød", "the kettle sings at six"])
def test_a_phrase_of_ones_own_is_accepted(raw: str) -> None:
    assert POLICY.accept(raw) == raw


def test_what_a_password_manager_makes_is_accepted() -> None:
    for _ in range(1000):
        POLICY.accept(secrets.token_urlsafe(12))
