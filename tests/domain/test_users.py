import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.model.users import canonical, display_name, email_address, username
from tests.support.examples import a_user
from tests.support.fakes import START

LABEL = "a" * 63


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada@Example.ORG ", "ada@example.org"),
        ("\uff21da@example.org", "ada@example.org"),
        ("stra\u00dfe@example.org", "strasse@example.org"),
        ("first.last+tag@mail.example.co.uk", "first.last+tag@mail.example.co.uk"),
        ("a@b.cd", "a@b.cd"),
        ("e\u0301@example.org", "\u00e9@example.org"),
        ("ada@xn--exmple-cua.org", "ada@ex\u00e4mple.org"),
        ("ada@fa\u00df.example.org", "ada@fass.example.org"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_an_address_is_kept_in_the_form_in_which_it_compares(raw: str, kept: str) -> None:
    assert email_address(raw) == kept


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example",
        "ada@.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@@example.org",
        "a da@example.org",
        "ada@exam ple.org",
        "ada@example.org\nBcc: eve@example.org",
        "ada\0@example.org",
        "a\u200bda@example.org",
        "\u202eada@example.org",
        "ada@exa\u00admple.org",
        "\ud800@example.org",
        '"ada"@example.org',
        "Ada <ada@example.org>",
        "a" * 65 + "@example.org",
        f"ada@{LABEL}a.org",
        f"ada@{LABEL}.{LABEL}.{LABEL}.{LABEL}.org",
        "\ufdfa" * 200 + "@example.org",
        "a" * 1_000_000,
    ],
    ids=lambda raw: ascii(raw)[:30],
)
def test_what_is_no_address_is_refused_by_name(raw: str) -> None:
    with pytest.raises(Invalid) as refusal:
        email_address(raw, "member/email")
    assert refusal.value.problems[0].field == "member/email"


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_address_that_is_kept_is_its_own_canonical_form(local: str, label: str) -> None:
    try:
        email = email_address(f"{local}@{label}.org")
    except Invalid:
        return
    assert email_address(email) == email


@given(st.text(max_size=40))
def test_a_canonical_form_is_its_own(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("ada", "ada"),
        ("ADA", "ada"),
        ("a.b_c-9", "a.b_c-9"),
        ("\uff41da", "ada"),
        ("\u212aate", "kate"),
        ("a" * 32, "a" * 32),
    ],
)
def test_a_user_name_is_kept_in_the_form_in_which_it_compares(raw: str, kept: str) -> None:
    assert username(raw) == kept


@pytest.mark.parametrize(
    "raw",
    ["", "ab", "a" * 33, ".ada", "ada.", "-ada", "ada_", "a da", " ada", "ada\n", "ad\u00e4", "\u0430da", "ada@x.org"],
)
def test_what_is_no_user_name_is_refused_by_name(raw: str) -> None:
    with pytest.raises(Invalid) as refusal:
        username(raw)
    assert refusal.value.problems[0].field == "username"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (" Ada Lovelace ", "Ada Lovelace"),
        ("Ada\u202e\u2066 Love\u200blace\x07", "Ada Lovelace"),
        ("Ada\nLovelace", "AdaLovelace"),
        ("\U0001f469" * 128, "\U0001f469" * 128),
    ],
)
def test_a_display_name_loses_what_nobody_sees(raw: str, kept: str) -> None:
    assert display_name(raw) == kept


@pytest.mark.parametrize("raw", ["", "  ", "\u200b\u202e", "\ud800", "a" * 129, "a" * 1_000_000])
def test_a_display_name_has_1_to_128_visible_characters(raw: str) -> None:
    with pytest.raises(Invalid, match="1 to 128"):
        display_name(raw)


def test_a_rehash_changes_the_hash_and_nothing_else_and_is_never_shown() -> None:
    user = a_user(password_hash="old-hash")
    rehashed = user.rehashed("new-hash", now=START)
    assert rehashed.password_hash == "new-hash"
    assert rehashed.rehashed("old-hash", now=user.updated_at) == user
    assert "new-hash" not in repr(rehashed)
