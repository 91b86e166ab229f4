import pytest

from domain.errors import Invalid
from domain.model.passwords import PasswordPolicy, normalised

POLICY = PasswordPolicy()
SHORT = PasswordPolicy(min_length=4, common=frozenset({"trustno1", "monarchy", "strassenbahn", "4711-0815"}))


def test_compatible_spellings_are_one_password() -> None:
    assert normalised("e\u0301\ufb01\uff21") == "\u00e9fiA"


@pytest.mark.parametrize("raw", ["", "  spaces stay  ", "caf\u00e9", "\U0001f511" * 128, "a" * 128])
def test_nothing_is_trimmed_or_cut(raw: str) -> None:
    assert normalised(raw) == raw


@pytest.mark.parametrize("raw", ["a" * 129, "\U0001f511" * 129, "a" * 10_000_000])
def test_what_is_too_long_is_refused_before_any_work(raw: str) -> None:
    with pytest.raises(Invalid, match="at most 128 characters"):
        normalised(raw)


@pytest.mark.parametrize("character", ["\0", "\n", "\x7f", "\x85", "\ud800"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(Invalid, match="no control characters"):
        normalised(f"a{character}b")


@pytest.mark.parametrize(
    "raw",
    [
        "correct horse battery",
        "fifteen letters",
        "\u043f\u0430\u0440\u043e\u043b\u044c \u0438\u0437 \u0441\u043b\u043e\u0432 \u0438 \u0431\u0443\u043a\u0432",
    ],
)
def test_a_long_password_is_enough(raw: str) -> None:
    assert POLICY.accept(raw) == raw


def test_14_characters_are_too_few_and_the_operator_may_ask_for_more_or_less() -> None:
    assert len(POLICY.accept("abcd efgh wxyz!")) == 15
    with pytest.raises(Invalid, match="at least 15"):
        POLICY.accept("abcd efgh wxyz")
    assert PasswordPolicy(min_length=8).accept("abcd wxy") == "abcd wxy"
    with pytest.raises(Invalid, match="at least 20"):
        PasswordPolicy(min_length=20).accept("abcd efgh wxyz!")


@pytest.mark.parametrize(
    "raw",
    [
        "a" * 15,
        "ab" * 8,
        "abcabcabcabcabca",
        "passwpasswpassw",
        "abcdefghijklmnop",
        "ponmlkjihgfedcba",
        "1234567890123456",
        "9876543210987654",
        "0987654321098765",
    ],
)
def test_repeating_and_counting_are_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="repeat or count"):
        POLICY.accept(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "trustno1",
        "TrustNo1",
        "\uff34\uff52\uff55\uff53\uff54\uff2e\uff4f\uff11",
        "Stra\u00dfenbahn",
        "4711-0815",
        "trustno1!!!!!!!!",
        "trustno11985",
        "Trustno1 - 1985",
        "1985trustno1",
        "***Monarchy***",
        "4711-0815-2026",
        "hexkeymonarchy",
        "Monarchy@hexkey!",
        "hexkey: trustno1",
    ],
)
def test_what_many_people_have_is_refused_with_decoration_and_without(raw: str) -> None:
    with pytest.raises(Invalid, match="many people have"):
        SHORT.accept(raw)


@pytest.mark.parametrize(
    "raw",
    ["trustno2", "trustno", "trust no 1", "monarchyX", "a monarchy", "monarchy or not", "4711", "0815-4711", "!?!4"],
)
def test_what_only_holds_a_common_password_is_fine(raw: str) -> None:
    assert SHORT.accept(raw) == raw


@pytest.mark.parametrize("raw", ["0918 2736 4554 637", "19840412 20010911", "!?-_.:,;#+*~'$%"])
def test_digits_and_signs_alone_are_not_taken_for_an_empty_text(raw: str) -> None:
    assert PasswordPolicy(common=frozenset({""})).accept(raw) == raw


def test_a_password_is_compared_some_hundred_times_at_most() -> None:
    asked: list[str] = []

    class Listening:
        def __contains__(self, text: object) -> bool:
            asked.append(str(text))
            return False

    PasswordPolicy(common=Listening()).accept("1" * 60 + "hexkey or not" + "2" * 55)
    assert len(asked) <= 3 * 128


@pytest.mark.parametrize("raw", ["hexkeyhexkey123", "HexKey!2026!!!!", "1234567 hexkey 1", "hexkey, hexkey, 1"])
def test_the_name_of_the_service_is_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="many people have"):
        POLICY.accept(raw)


def test_a_password_that_only_contains_the_name_of_the_service_is_fine() -> None:
    assert POLICY.accept("my hexkey account") == "my hexkey account"


@pytest.mark.parametrize(
    "raw",
    [
        "ada.lovelace@example.org",
        "Ada.Lovelace123",
        "ADA.LOVELACEada.lovelace",
        "123ada.lovelace",
        "ada.lovelace-1815-12-10",
        "2026! Ada.Lovelace! 2026!",
    ],
)
def test_ones_own_name_or_address_is_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="your own name or address"):
        POLICY.accept(raw, about=("ada.lovelace@example.org", None))


def test_a_password_that_only_contains_the_name_is_fine() -> None:
    raw = "ada.lovelace likes engines"
    assert POLICY.accept(raw, about=("ada.lovelace@example.org", "ada", "", None)) == raw


def test_a_name_of_digits_leaves_other_digits_alone() -> None:
    assert POLICY.accept("471108152026193", about=("4711",)) == "471108152026193"
    with pytest.raises(Invalid, match="your own name or address"):
        POLICY.accept("471108152026193", about=("4711081520261",))


def test_the_refusal_names_the_field_and_never_the_password() -> None:
    with pytest.raises(Invalid) as refusal:
        POLICY.accept("hunter2", field="new_password")
    assert refusal.value.problems[0].field == "new_password"
    assert "hunter2" not in str(refusal.value)
