from dataclasses import dataclass, replace
from operator import attrgetter

import pytest

from adapters.memory.tables import Index, Table
from domain.errors import EmailTaken


@dataclass(frozen=True)
class Row:
    id: int
    name: str


@pytest.fixture
def table() -> Table[Row]:
    made: Table[Row] = Table(Index("name", attrgetter("name"), EmailTaken))
    draft = made.draft()
    for number in range(100):
        draft.insert(Row(number, f"name {number}"))
    made.merge(draft)
    return made


def test_a_draft_holds_what_it_changed_and_nothing_else(table: Table[Row]) -> None:
    draft = table.draft()
    draft.put(7, Row(7, "new"))
    draft.remove(8)

    assert draft.changes == {7: Row(7, "new"), 8: None}
    assert len(list(draft)) == 99
    assert table.find(7) == Row(7, "name 7")


def test_an_index_forgets_what_no_row_has_any_longer(table: Table[Row]) -> None:
    for number in range(1000):
        draft = table.draft()
        draft.put(7, replace(table.get(7), name=f"again {number}"))
        table.merge(draft)

    assert list(table.ids("name", "name 7")) == list(table.ids("name", "again 998")) == []
    assert list(table.ids("name", "again 999")) == [7]


def test_a_refused_write_is_remembered(table: Table[Row]) -> None:
    draft = table.draft()
    with pytest.raises(EmailTaken):
        draft.insert(Row(100, "name 1"))

    assert draft.refused
    assert not draft.changes
