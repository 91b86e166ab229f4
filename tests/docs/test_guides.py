"""What the README and the guides say is what happens."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.elsewhere import left_behind
from tests.docs.guide import Reader, blocks, commands, files, languages, lasting, scripts
from tests.support.databases import REQUIRED
from tests.support.process import installation

ROOT = Path(__file__).parents[2]
EVERY = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BUILDING = {"quickstart", "resources", "adapters", "testing", "migrating", "verifying", "permissions"}
"""They take as long as all others, and have a file of their own so that both run at once."""
GUIDES = [guide for guide in EVERY if guide.stem not in BUILDING]
FIRST_ADMIN = {"HEXKEY_ADMIN_EMAIL": "root@example.org", "HEXKEY_ADMIN_PASSWORD": "a key under the doormat"}


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own, migrated and empty but for a first admin."""
    with installation(tmp_path_factory.mktemp("data"), "sqlite", **FIRST_ADMIN) as installed:
        installed.migrate()
        with installed.server() as server:
            yield server.url


def test_every_command_prints_what_the_guide_shows(guide: Path, address: str, tmp_path: Path) -> None:
    if "js" in languages(guide) and "node" not in REQUIRED and shutil.which("node") is None:
        pytest.skip("no node runs JavaScript here")
    for name, text in files(guide).items():
        if not name.startswith("examples/"):
            (tmp_path / name).write_text(text)
    if guide.name == "migrating.md":
        left_behind(tmp_path)
    reader = Reader(tmp_path, address)
    try:
        for command in commands(guide):
            printed = [lasting(line) for line in reader.run(command.text)]
            assert printed == [lasting(line) for line in command.output], command.text
    finally:
        reader.close()


def test_every_python_block_runs(guide: Path, tmp_path: Path) -> None:
    published = str(ROOT / "tests" / "published")  # as an installed package has them
    settings = {"PATH": os.environ["PATH"], "HEXKEY_DATA_DIR": str(tmp_path), "PYTHONPATH": published}
    for number, block in enumerate(scripts(guide)):
        file = tmp_path / f"block_{number}.py"
        file.write_text(block)
        is_test = "def test_" in block or "import pytest" in block
        pytest_or_not = ["-m", "pytest", "-p", "no:cacheprovider"] if is_test else []
        done = subprocess.run(
            [sys.executable, *pytest_or_not, file],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_no_block_that_nothing_checks(guide: Path) -> None:
    assert languages(guide) <= {"console", "js", "python", "sh", "text"}


def test_what_is_shown_of_the_examples_stands_there(guide: Path) -> None:
    for name, text in files(guide).items():
        shown = text.partition("\n")[2].strip("\n")
        if name.startswith("examples/"):
            assert shown in (ROOT / name).read_text(), name
        else:
            called = "\n".join(command.text for command in commands(guide))
            assert name.partition(".")[0] in called, f"no command of the guide uses {name}"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command for block in blocks(EVERY[0], "sh") for command in re.findall(r"^make ([a-z-]+)", block, re.M)}
    assert named == {"run", "test"}
    assert named <= targets


def test_the_map_names_folders_that_exist() -> None:
    folders = [line.split()[0] for block in blocks(EVERY[0], "text") for line in block.splitlines()]
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
