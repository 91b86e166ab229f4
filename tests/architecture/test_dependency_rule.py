"""Imports point inwards: app, adapters, domain; and the domain stands on the standard library."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
MODULES = sorted(SRC.rglob("*.py"))
INSIDE_THE_DOMAIN = ("errors", "model", "ports", "services")
COMPOSITION = (SRC / "app" / "composition.py", SRC / "app" / "outside.py")
FIXTURES = SRC / "hexkey_pytest.py"


def named(module: Path) -> str:
    return str(module.relative_to(SRC))


def imports(module: Path) -> Iterator[str]:
    """Every module that *module* names, those inside functions too."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(module)} imports by dots"
            yield node.module or ""


def is_allowed(module: Path, target: str) -> bool:
    room, *inner = module.relative_to(SRC).with_suffix("").parts
    there, *within = target.split(".")
    match room:
        case "domain" if there == "domain":
            return not within or not inner or not _points_up(inner[0], within[0])
        case "domain":
            return there in sys.stdlib_module_names
        case "adapters" if there == "adapters":
            return inner == ["__init__"] or within[:1] == inner[:1]
        case "adapters":
            return there != "app"
    return there != "adapters" or module in (*COMPOSITION, FIXTURES)


def _points_up(here: str, there: str) -> bool:
    return INSIDE_THE_DOMAIN.index(there) > INSIDE_THE_DOMAIN.index(here)


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_imports_point_inwards(module: Path) -> None:
    assert [target for target in imports(module) if not is_allowed(module, target)] == []


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("domain/model/keys.py", "sqlalchemy.exc"),
        ("domain/model/keys.py", "domain.services.keys"),
        ("domain/ports/keys.py", "domain.services.keys"),
        ("domain/services/keys.py", "adapters.sql"),
        ("adapters/sql/keys.py", "app.settings"),
        ("adapters/sql/keys.py", "adapters.security.roots"),
        ("app/http/keys.py", "adapters.sql"),
        ("app/cli/run.py", "adapters.memory"),
    ],
)
def test_an_arrow_that_turns_round_is_seen(module: str, target: str) -> None:
    assert not is_allowed(SRC / module, target)


def test_whoever_only_has_us_installed_has_nothing_of_ours_imported() -> None:
    tree = ast.parse(FIXTURES.read_text("utf-8"))
    eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    roots = {alias.name.split(".")[0] for node in eager if isinstance(node, ast.Import) for alias in node.names}
    roots |= {(node.module or "").split(".")[0] for node in eager if isinstance(node, ast.ImportFrom)}
    assert roots <= sys.stdlib_module_names | {"pytest"}


@pytest.mark.parametrize("package", sorted(file.parent for file in SRC.rglob("__init__.py")), ids=named)
def test_every_package_has_a_sign_on_its_door(package: Path) -> None:
    sign = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))
    assert sign, f"{named(package)} says nothing"
    assert len(sign.split()) >= 8, f"{named(package)} says {sign!r}"


def test_files_are_named_after_what_they_hold() -> None:
    vague = [named(m) for m in MODULES if m.stem in {"utils", "common", "helpers", "manager", "base"}]
    assert vague == ["adapters/sql/base.py"]


def test_files_can_be_read_in_one_sitting() -> None:
    lines = {named(m): len(m.read_text("utf-8").splitlines()) for m in MODULES if "migrations" not in m.parts}
    assert {name: count for name, count in lines.items() if count > 250} == {}


def test_only_what_starts_a_process_reads_the_environment() -> None:
    readers = {named(module) for module in MODULES if "os.environ" in module.read_text("utf-8")}
    commands = {"app/cli/__init__.py", "app/cli/doctor.py", "app/cli/run.py", "app/cli/session.py"}
    assert readers == {"app/asgi.py", *commands}
