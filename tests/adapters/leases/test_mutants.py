"""The cache with one of its rules left out: the orders that prove the whole one must find each of these out."""

import inspect
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.leases import LeasedDirectory, directory
from adapters.leases.book import Book
from domain.model.leases import LeaseTerms
from tests.adapters.leases.test_orders import play_all, play_apart, play_overlapping
from tests.support.worlds import AcceptedTooLate, Kind

RENEWED = "self._lease = max(self._lease, start + self._trust)"
ANEW = 'there is."""\n'
MUTANTS = {
    "keeps a read in the book that is there after it": ("+= book.keep(", "+= self._book.keep("),
    "renews from the end of a look": (RENEWED, RENEWED.replace("start", "self._boot_time()")),
    "renews before it has looked": (
        "        seen = await self._look(",
        f"        {RENEWED}\n        seen = await self._look(",
    ),
    "goes on in another history": ("last == (first.seq, first.mark)", "last is not None"),
    "goes on at another server": ("and seen.source == self._origin", ""),
    "goes on after a change of everything": ("change.subject != EVERYTHING", "change.subject"),
    "goes on where it has not seen all": ("len(self._book.changed) + len(more) <= self._terms.rows", "True"),
    "keeps what it had read when it begins anew": (f"{ANEW}        self._book = Book()\n", ANEW),
    "notes nothing": ("            self._book.note(change.subject, change.seq)\n", "            pass\n"),
    "believes a source that lags": ("grant.seq < noted[0]", "False"),
    "forgets the deadline": ("now < entry.deadline and", ""),
    "trusts whatever it has read": ("now < entry.start + self._trust)", "True)"),
    "does not look at the clock after a read": ("self._boot_time() >= min(", "0 >= min("),
    "begins the trust when a read has ended": ("Entry(grant, start,", "Entry(grant, self._boot_time(),"),
}


def mutant(rule: str, instead: str) -> Kind:
    source = inspect.getsource(directory)
    assert source.count(rule) == 1, f"{rule!r} is not there once"
    names: dict[str, Any] = {"__name__": directory.__name__}
    exec(compile(source.replace(rule, instead), "mutant", "exec"), names)
    kind: Kind = names["LeasedDirectory"]
    return kind


@pytest.mark.parametrize("name", MUTANTS)
async def test_the_orders_find_out_a_cache_that(name: str) -> None:
    with pytest.raises(AcceptedTooLate):
        play_all(mutant(*MUTANTS[name]), every=7)


async def test_looks_that_overlap_find_out_a_book_in_which_the_last_word_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Book, "note", lambda book, subject, seq: book.changed.__setitem__(subject, seq))
    with pytest.raises(AcceptedTooLate):
        play_overlapping(every=7)


async def test_clocks_that_run_apart_find_out_a_cache_that_trusts_itself_for_all_but_the_whole_promise() -> None:
    with pytest.raises(AcceptedTooLate):
        play_apart(lambda *ports, **given: LeasedDirectory(*ports, **{**given, "terms": Eager(rows=4)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Eager(LeaseTerms):
    @property
    def trust(self) -> float:
        return self.promise.total_seconds() * 0.95
