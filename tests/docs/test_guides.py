"""What the README and the guides say is what happens."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.guide import Reader, blocks, commands, languages, lasting
from tests.support.process import installation

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST_ADMIN = {"HEXKEY_ADMIN_EMAIL": "root@example.org", "HEXKEY_ADMIN_PASSWORD": "a key under the doormat"}
named = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own, migrated and empty but for a first admin."""
    with installation(tmp_path_factory.mktemp("data"), "sqlite", **FIRST_ADMIN) as installed:
        installed.migrate()
        with installed.server() as server:
            yield server.url


@named
def test_every_command_prints_what_the_guide_shows(guide: Path, address: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path, address)
    try:
        for command in commands(guide):
            printed = [lasting(line) for line in reader.run(command.text)]
            assert printed == [lasting(line) for line in command.output], command.text
    finally:
        reader.close()


@named
def test_every_python_block_runs(guide: Path, tmp_path: Path) -> None:
    settings = {"PATH": os.environ["PATH"], "HEXKEY_DATA_DIR": str(tmp_path)}
    for number, block in enumerate(blocks(guide, "python")):
        file = tmp_path / f"block_{number}.py"
        file.write_text(block)
        pytest_or_not = ["-m", "pytest", "-p", "no:cacheprovider"] if "def test_" in block else []
        done = subprocess.run(
            [sys.executable, *pytest_or_not, file],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@named
def test_there_is_no_block_that_nothing_checks(guide: Path) -> None:
    assert languages(guide) <= {"console", "python", "sh", "text"}


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command for block in blocks(GUIDES[0], "sh") for command in re.findall(r"^make ([a-z-]+)", block, re.M)}
    assert named == {"run", "test"}
    assert named <= targets


def test_the_map_names_folders_that_exist() -> None:
    folders = [line.split()[0] for block in blocks(GUIDES[0], "text") for line in block.splitlines()]
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
