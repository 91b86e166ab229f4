"""A figure compares pages that show and count the same."""

from typing import Any

import pytest

from benchmarks.peers import alike, page_of


@pytest.mark.parametrize("rows", ["items", "data"])
def test_a_page_is_read_whatever_its_rows_are_called(rows: str) -> None:
    assert page_of({rows: [{"id": 1}], "total": 100, "next": None}) == ([{"id": 1}], 100)


@pytest.mark.parametrize(
    "answer", [{"items": []}, {"total": 1}, {"items": [], "total": None}, {"a": [], "b": [], "total": 0}]
)
def test_an_answer_without_rows_and_their_total_is_no_page(answer: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="no page with a total"):
        page_of(answer)


@pytest.mark.parametrize("theirs", [{"data": [{}], "total": 3}, {"data": [{}, {}], "total": 2}])
def test_pages_that_show_or_count_less_are_not_compared(theirs: dict[str, Any]) -> None:
    alike({"items": [{}, {}], "total": 3}, {"data": [{}, {}], "total": 3})
    with pytest.raises(RuntimeError, match="nothing to compare"):
        alike({"items": [{}, {}], "total": 3}, theirs)
