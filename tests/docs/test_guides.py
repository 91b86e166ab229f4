"""What the README and the guides say is what happens."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.guide import Reader, blocks, commands, languages, lasting

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HEXKEY = Path(sys.executable).parent / "hexkey"
named = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A service of its own, migrated and empty."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HEXKEY_")}
    settings |= {"HEXKEY_DATA_DIR": str(tmp_path / "data")}
    subprocess.run([HEXKEY, "database", "upgrade", "--no-prompt"], env=settings, check=True, capture_output=True)
    server = subprocess.Popen([HEXKEY, "run", "--port", str(port)], env=settings, stderr=subprocess.DEVNULL)
    try:
        yield _ready(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(15)


def _ready(address: str) -> str:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/health/ready", timeout=1)
        except OSError:
            time.sleep(0.05)
        else:
            return address
    raise AssertionError("the service did not start")


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
        done = subprocess.run([sys.executable, file], env=settings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


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
