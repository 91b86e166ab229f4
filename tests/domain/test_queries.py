"""What may be asked of a list, how it is written, and what it means."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS, KeyStatus
from domain.model.projects import PROJECT_FIELDS
from domain.model.queries import (
    IN_MAX,
    Choice,
    Day,
    Field,
    Fields,
    Filter,
    Flag,
    Id,
    Instant,
    Members,
    Operator,
    Position,
    Query,
    Sort,
    Text,
    Whole,
)
from domain.model.users import USER_FIELDS, email_address, username
from tests.support.examples import HOSTILE_TEXTS, a_key, a_project, a_secret, a_user
from tests.support.fakes import START


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


TEXT, TIME, ID, FLAG = Text(8), Instant(), Id(), Flag()
DAY, NUMBER = Day(), Whole(-10, 100)
COLOUR, TAGS = Choice(Colour), Members(8)
AN_ID = "01900000-0000-7000-8000-000000000001"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OWNER = a_user()


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (TEXT, "a", "a"),
        (TEXT, " % ", " % "),
        (TEXT, "\U0001f468" * 8, "\U0001f468" * 8),
        (TEXT, "a\nb", "a\nb"),
        (TIME, "2026-01-31T12:00:00Z", NOON),
        (TIME, "2026-01-31T14:00:00+02:00", NOON),
        (TIME, "2026-01-31T12:00:00.000001Z", NOON + timedelta(microseconds=1)),
        (ID, AN_ID, UUID(AN_ID)),
        (DAY, "2024-02-29", date(2024, 2, 29)),
        (NUMBER, "0", 0),
        (NUMBER, "-7", -7),
        (NUMBER, "100", 100),
        (FLAG, "true", True),
        (FLAG, "false", False),
        (COLOUR, "red", Colour.RED),
        (TAGS, "read", "read"),
    ],
)
def test_a_value_is_what_its_text_says(kind: Any, raw: str, value: Any) -> None:
    assert kind.parse(raw, "field") == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        *((TEXT, raw) for raw in ("", "a" * 9, "a\0", "\ud800")),
        *((TAGS, raw) for raw in ("", "a" * 9)),
        *((FLAG, raw) for raw in ("", "True", "1", "yes")),
        *((DAY, raw) for raw in ("", "2026-02-30", "20260131", "2026-W05-1", "2026-1-31", "٢٠٢٦-01-31")),
        *((NUMBER, raw) for raw in ("", "101", "-11", "007", "+7", "7.0", "1e1", "٧", "-0", "9" * 5000)),
        *((COLOUR, raw) for raw in ("", "green", "RED", "red ")),
        *((ID, raw) for raw in ("", AN_ID.replace("a", "A")[:-1], f"{{{AN_ID}}}", AN_ID.replace("-", ""))),
        *(
            (TIME, raw)
            for raw in (
                "",
                "now",
                "2026-01-31",
                "2026-01-31T12:00:00",
                "2026-01-31 12:00:00Z",
                "2026-01-31T12:00:00 02:00",
                "2026-02-30T12:00:00Z",
                "2026-01-31T12:00:60Z",
                "2026-01-31T12:00:00.Z",
                "2026-01-31T12:00:00.1234567Z",
                "٢٠٢٦-01-31T12:00:00Z",
                "0001-01-01T00:00:00+01:00",
                "1769860800",
            )
        ),
    ],
)
def test_what_is_no_such_value_is_refused_by_its_place(kind: Any, raw: str) -> None:
    with pytest.raises(Invalid, match=r"^here: "):
        kind.parse(raw, "here")


def test_some_values_have_commas_between_them() -> None:
    name, colour = Field("name", TEXT), Field("colour", COLOUR)
    assert name.filter(Operator.IN, "a,b,a", "name[in]").value == ("a", "b")
    assert len(name.filter(Operator.IN, ",".join(map(str, range(IN_MAX))), "name[in]").value) == IN_MAX
    assert colour.filter(Operator.IN, "blue", "colour[in]").value == (Colour.BLUE,)
    for raw in ("", ",", "a,", ",a", ",".join("a" * (IN_MAX + 1))):
        with pytest.raises(Invalid, match=r"^name\[in\]: "):
            name.filter(Operator.IN, raw, "name[in]")


def test_each_kind_knows_what_makes_sense() -> None:
    same = {Operator.EQ, Operator.NE, Operator.IN}
    ordered = same | {Operator.GT, Operator.GTE, Operator.LT, Operator.LTE}
    assert set(TEXT.operators) == ordered | {Operator.CONTAINS}
    assert set(TIME.operators) == ordered
    assert set(ID.operators) == set(COLOUR.operators) == set(TAGS.operators) == same
    assert set(FLAG.operators) == {Operator.EQ, Operator.NE}
    assert Operator.ISNULL in Field("name", TEXT, optional=True).operators
    assert Operator.ISNULL not in Field("name", TEXT).operators


def matching(filter: Filter, *values: Any) -> list[Any]:
    return [value for value in values if filter.matches(a_project(OWNER, description=value), None)]


DESCRIPTION = Field("description", Text(128), optional=True)


@pytest.mark.parametrize(
    ("operator", "raw", "matched"),
    [
        (Operator.EQ, "b", ["b"]),
        (Operator.NE, "b", ["a", "B", "é"]),
        (Operator.GT, "a", ["b", "é"]),
        (Operator.GTE, "a", ["a", "b", "é"]),
        (Operator.LT, "b", ["a", "B"]),
        (Operator.LTE, "b", ["a", "b", "B"]),
        (Operator.IN, "a,é,z", ["a", "é"]),
        (Operator.CONTAINS, "b", ["b", "B"]),
        (Operator.ISNULL, "true", [None]),
        (Operator.ISNULL, "false", ["a", "b", "B", "é"]),
    ],
)
def test_what_is_missing_answers_only_whether_it_is(operator: Operator, raw: str, matched: list[Any]) -> None:
    assert matching(DESCRIPTION.filter(operator, raw, "description"), "a", "b", None, "B", "é") == matched


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("STRASSE", "straße"),
        ("straße", "ASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ﬀ", "F"),
        ("İstanbul", "i̇s"),
        ("100% _under\\back", "% _"),
        ("e\u0301", "E"),
        *((text, text[2:5]) for text in HOSTILE_TEXTS),
    ],
)
def test_contains_compares_folded(text: str, part: str) -> None:
    assert matching(DESCRIPTION.filter(Operator.CONTAINS, part, "description"), text) == [text]


@pytest.mark.parametrize(("text", "part"), [("é", "e\u0301"), ("abc", "a_c"), ("abc", "%"), ("ı", "i"), ("a", "aa")])
def test_contains_is_no_pattern_and_no_likeness(text: str, part: str) -> None:
    assert matching(DESCRIPTION.filter(Operator.CONTAINS, part, "description"), text) == []


def test_a_set_has_one_has_it_not_or_has_any() -> None:
    key = a_key(OWNER, scopes=frozenset({"read", "tasks:create"}))
    scope = KEY_FIELDS["scope"]
    for operator, raw, met in (
        (Operator.EQ, "read", True),
        (Operator.EQ, "rea", False),
        (Operator.NE, "read", False),
        (Operator.NE, "writer", True),
        (Operator.IN, "writer,read", True),
        (Operator.IN, "writer,packing", False),
    ):
        assert scope.filter(operator, raw, "scope").matches(key, None) is met


def test_a_status_is_judged_at_the_time_of_the_query() -> None:
    key = a_key(OWNER, expires_at=START + timedelta(hours=1))
    expired = Query(filters=(KEY_FIELDS.filter("status", Operator.EQ, KeyStatus.EXPIRED),), now=START)
    assert expired.is_dated
    assert not expired.matches(key)
    assert Query(filters=expired.filters, now=START + timedelta(hours=1)).matches(key)
    with pytest.raises(TypeError, match="status is judged at a time"):
        Query(filters=expired.filters).matches(key)


def test_a_key_was_used_when_the_last_of_its_secrets_was() -> None:
    secrets = (a_secret(1, last_used_at=START + timedelta(hours=1)), a_secret(2, last_used_at=START), a_secret(3))
    assert a_key(OWNER, secrets=secrets).last_used_at == START + timedelta(hours=1)
    assert a_key(OWNER).last_used_at is None


def test_a_list_is_sorted_by_what_it_knows_each_once() -> None:
    query = Query(sorting=(Sort("name"), Sort("created_at", descending=True)))
    assert query.within(PROJECT_FIELDS) is query
    with pytest.raises(Invalid, match="sorting: knows created_at, email, expires_at"):
        query.within(INVITATION_FIELDS)
    with pytest.raises(Invalid, match="sorting: knows archived_at, created_at, name, updated_at"):
        Query(sorting=(Sort("owner_id"),)).within(PROJECT_FIELDS)
    with pytest.raises(Invalid, match="sorting: names each field once"):
        Query(sorting=(Sort("name"), Sort("name", descending=True))).within(PROJECT_FIELDS)


def test_a_list_is_filtered_by_its_own_fields_only() -> None:
    by_name = Query(filters=(PROJECT_FIELDS.filter("name", Operator.EQ, "a"),))
    assert by_name.within(PROJECT_FIELDS) is by_name
    with pytest.raises(Invalid, match="filters: know name, created_at"):
        by_name.within(Fields(Field("name", Text(8)), Field("created_at", Instant(), sorts=True)))


def test_a_position_goes_with_its_sorting_and_without_an_offset() -> None:
    place = Position(("a",), UUID(AN_ID))
    assert Query(sorting=(Sort("name"),), after=place).after == place
    for wrong in ({"offset": 1}, {"sorting": (Sort("name"), Sort("created_at"))}):
        with pytest.raises(Invalid, match=r"^cursor: "):
            Query(**{"sorting": (Sort("name"),), "after": place, **wrong})


def test_a_page_goes_on_where_there_was_more() -> None:
    projects = [a_project(OWNER) for _ in range(3)]
    query = Query(limit=2, sorting=(Sort("name"),))
    page = query.page(projects, 7)
    assert (page.items, page.total) == (tuple(projects[:2]), 7)
    assert page.next == Position((projects[1].name,), projects[1].id)
    assert query.page(projects[:2], 2).next is None
    assert page.map(lambda project: project.name).items == (projects[0].name, projects[1].name)


def test_what_says_that_it_is_kept_folded_is() -> None:
    """Each letter that is longer, or another, once it is folded."""
    for code in range(0x80, 0x110000):
        if (letter := chr(code)).casefold() == letter:
            continue
        try:
            kept = username(f"ab{letter}")
        except Invalid:
            continue
        assert kept == kept.casefold(), hex(code)
    assert USER_FIELDS["username"].kind.folded
    assert not USER_FIELDS["email"].kind.folded
    assert (address := email_address("ǰ@example.org")) != address.casefold()
