"""What is meant to be used from outside is listed, is there, and is all that our own examples use."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.surface import LIST, SURFACE, names_of, surface
from tests.docs.guide import blocks

ROOT = Path(__file__).parents[2]
OURS = ("app", "adapters", "domain", "hexkey_pytest")
USERS = sorted(
    file for file in (ROOT / "examples").rglob("*.py") if "versions" not in file.parts and "tests" not in file.parts
)
GUIDES = [
    ROOT / "docs" / f"{name}.md" for name in ("quickstart", "resources", "adapters", "testing", "doors", "permissions")
]


def imported(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            yield from ((node.module or "", alias.name) for alias in node.names)


def unlisted(source: str) -> list[tuple[str, str]]:
    used = imported(source)
    return [(module, name) for module, name in used if module not in SURFACE or name not in names_of(module)]


def test_what_changes_for_extensions_is_told_to_them() -> None:
    assert LIST.read_text("utf-8") == surface(), "say what changed in CHANGELOG.md, and then `make surface`"


@pytest.mark.parametrize("file", USERS, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_example_uses_nothing_else(file: Path) -> None:
    assert unlisted(file.read_text("utf-8")) == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_a_guide_shows_nothing_else(guide: Path) -> None:
    whole = [block for block in blocks(guide, "python") if not block.startswith("# examples/")]
    assert [name for block in whole for name in unlisted(block)] == []


def test_what_is_not_listed_is_noticed() -> None:
    source = "from app.http.doors import key, Doors\nfrom app.assembly import assemble\nfrom domain.errors import Gone"
    assert unlisted(source) == [
        ("app.http.doors", "Doors"),
        ("app.assembly", "assemble"),
        ("domain.errors", "Gone"),
    ]


@pytest.mark.parametrize("room", ["domain", "adapters", "app"])
def test_a_room_is_typed_for_whoever_uses_it(room: str) -> None:
    assert (ROOT / "src" / room / "py.typed").exists()
