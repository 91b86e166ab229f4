"""What a peer runs in is what its list of versions says."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.environments import last_line, python_of


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    (tmp_path / "peer.txt").write_text("# nothing but the standard library\n")
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "envs"


def test_an_environment_is_made_once(pins: Path, folder: Path) -> None:
    made = python_of("peer", pins=pins, folder=folder)
    mark = folder / "peer" / "mark"
    mark.touch()
    assert python_of("peer", pins=pins, folder=folder) == made
    assert mark.exists()
    assert subprocess.run([made, "-c", "import sys; assert sys.prefix != sys.base_prefix"], check=True)


def test_other_versions_make_it_anew(pins: Path, folder: Path) -> None:
    python_of("peer", pins=pins, folder=folder)
    mark = folder / "peer" / "mark"
    mark.touch()
    (pins / "peer.txt").write_text("# other versions\n")
    python_of("peer", pins=pins, folder=folder)
    assert not mark.exists()


def test_what_could_not_be_installed_is_not_taken_for_made(pins: Path, folder: Path) -> None:
    (pins / "peer.txt").write_text(f"{os.devnull}/there-is-no-such-package.whl\n")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="peer cannot be installed"):
            python_of("peer", pins=pins, folder=folder)


@pytest.mark.parametrize(("said", "last"), [("a\nb\n\n", "b"), ("  a  ", "a"), ("", "nothing was said")])
def test_the_last_line_is_the_last_with_words(said: str, last: str) -> None:
    assert last_line(said) == last
