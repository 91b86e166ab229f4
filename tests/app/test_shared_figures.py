"""What workers tell each other through a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.shared_figures import FRESH, Place, merged

LABELS = ("GET", "/v1/me")
TELLS_AND_DIES = """
import os, sys
from pathlib import Path
from app.shared_figures import Place
Place(Path(sys.argv[1])).tell({"calls": {("GET", "/v1/me"): [5.0]}}, {"busy": {(): [1.0]}})
os.abort()
"""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_reads_what_the_others_have_told_and_not_itself(tmp_path: Path) -> None:
    one, two = Place(tmp_path), Place(tmp_path)
    one.tell({"calls": {LABELS: [1.0]}}, {})
    two.tell({"calls": {LABELS: [2.0]}}, {"busy": {(): [float("inf")]}})
    assert [told.counted for told in one.others()] == [{"calls": {LABELS: [2.0]}}]
    assert [told.counted for told in two.others()] == [{"calls": {LABELS: [1.0]}}]
    assert one.others()[0].states == {"busy": {(): [float("inf")]}}


def test_who_comes_after_one_that_died_goes_on_with_its_counts(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path("src").resolve())}
    died = subprocess.run([sys.executable, "-c", TELLS_AND_DIES, tmp_path], env=environment, check=False)
    assert died.returncode != 0
    watcher, successor = Place(tmp_path), Place(tmp_path)
    assert watcher.tell({}, {}).counted == {"calls": {LABELS: [5.0]}}
    assert successor.tell({"calls": {LABELS: [2.0]}}, {}).counted == {"calls": {LABELS: [2.0]}}
    assert watcher.tell({"calls": {LABELS: [3.0]}}, {}).counted == {"calls": {LABELS: [8.0]}}
    assert len(list(tmp_path.glob("*.told"))) == 2


def test_what_one_was_like_is_forgotten_when_it_says_nothing_more_and_its_counts_are_not(tmp_path: Path) -> None:
    clock = Clock()
    one, two = Place(tmp_path, clock=clock), Place(tmp_path, clock=clock)
    two.tell({"calls": {(): [2.0]}}, {"busy": {(): [1.0]}})
    one.tell({}, {})
    clock.now += FRESH
    assert one.others()[0].states == {"busy": {(): [1.0]}}
    clock.now += 0.1
    assert (one.others()[0].counted, one.others()[0].states) == ({"calls": {(): [2.0]}}, {})


def test_nobody_else_reads_the_folder(tmp_path: Path) -> None:
    Place(tmp_path).tell({"calls": {(): [1.0]}}, {})
    (place,) = tmp_path.glob("*.place")
    assert place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("peaks", "number"), [((), 5.0), (("age",), 3.0)])
def test_of_peaks_the_highest_counts_and_everything_else_is_added(peaks: tuple[str, ...], number: float) -> None:
    some, more = {"age": {(): [2.0]}}, {"age": {(): [3.0]}, "other": {("a",): [1.0, 2.0]}}
    assert merged(some, more, peaks=peaks) == {"age": {(): [number]}, "other": {("a",): [1.0, 2.0]}}
    assert some == {"age": {(): [2.0]}}
