"""What extensions are meant to use: ``make surface`` writes it to ``docs/surface.txt``.

It is read from the source, so that it is the same under every version of Python.
"""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

PORTS = ("access", "attempts", "events", "idempotency", "invitations", "keys", "limits", "mails", "members")
PORTS += ("one_time_tokens", "projects", "roles", "scopes", "security", "sessions", "system", "tasks", "unit_of_work")
PORTS += ("users", "webhooks")

SURFACE: dict[str, str] = {
    "app.composition": "Ports Rules Services assemble connect",
    "app.http.application": "Exposure create_app",
    "app.http.bodies": "Input Patch Moment",
    "app.http.doors": "ActorRequest SignedRequest key public revoking session signed user user_or_key",
    "app.http.edge": "Application",
    "app.http.fields": "described given one_line",
    "app.http.idempotency": "once repeatable",
    "app.http.lists": "ListView list_query listed listing",
    "app.http.paths": "PathId path_id",
    "app.http.routes": "Row WrongRoutes limited routes table",
    "app.http.versions": "expected_versions tagged versioned",
    "app.settings": "Settings SettingsError load parse",
    "app.background": "Job",
    "app.testing.people": "Person Robot Scenario",
    "app.testing.surroundings": "MovableClock Outbox",
    "domain.errors": "*",
    "domain.model.actors": "Actor ActorKind Origin",
    "domain.model.changes": "UNSET Unset changed require_version",
    "domain.model.limits": "UNLIMITED Admission Allowance Policy require_cost",
    "domain.model.permissions": "CORE_PERMISSIONS MEMBER_PERMISSIONS",
    "domain.model.queries": "*",
    "domain.model.scopes": "BUILT_IN_SCOPES Catalogue",
    "domain.model.texts": "DESCRIPTION_LIMIT NAME_LIMIT TITLE_LIMIT description_text name_text title_text",
    **{f"domain.ports.{noun}": "Protocols" for noun in PORTS},
    "domain.services.audit": "Recorder",
    "domain.services.idempotency": "REPEATEDLY Once",
    "adapters.memory": "MemoryAccessDirectory MemoryDatabase",
    "adapters.memory.own": "TableOf",
    "adapters.memory.queries": "page_of",
    "adapters.memory.tables": "Index Table present update",
    "adapters.sql": "Branch",
    "adapters.sql.base": "Id Instant Json Row code_points folded",
    "adapters.sql.migrations.running": "run",
    "adapters.sql.queries": "Listing",
    "adapters.sql.statements": "Connection Reading Statement refusing",
    "adapters.sql.versions": "VersionedTable",
    "hexkey_pytest": "Fixtures",
}
LIST = Path(__file__).parents[2] / "docs" / "surface.txt"
HEAD = """\
What an extension imports stands here, name by name, and nothing here changes without a sentence in CHANGELOG.md. What
does not stand here may change any day. `make surface` writes this file.

"""


def names_of(module: str) -> list[str]:
    """The public names of *module*; a word for a kind stands for all of that kind that it defines."""
    found, asked = import_module(module), SURFACE[module]
    if asked == "*":
        return sorted(found.__all__)
    if asked == "Protocols":
        own = vars(found).items()
        return sorted(name for name, kind in own if _is_protocol(kind) and kind.__module__ == module)
    if asked == "Fixtures":
        return sorted(_fixtures(found))
    return sorted(asked.split())


def surface() -> str:
    return HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for module in SURFACE:
        yield module
        for name in names_of(module):
            value = getattr(import_module(module), name)
            yield from (f"    {line}" for line in _fixture(name) if module == "hexkey_pytest")
            yield from (f"    {line}" for line in _told(name, value) if module != "hexkey_pytest")


def _fixtures(module: Any) -> Iterator[str]:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(("_", "pytest_")):
            yield node.name


def _fixture(name: str) -> Iterator[str]:
    """Of fixtures only the name is anybody's business."""
    yield name


def _is_protocol(kind: Any) -> bool:
    return isinstance(kind, type) and getattr(kind, "_is_protocol", False)


def _told(name: str, value: Any) -> Iterator[str]:
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        yield name
        return
    [node] = ast.parse(dedent(inspect.getsource(inspect.unwrap(value)))).body
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from (f"    {line}" for member in node.body for line in _member(member))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield _signature(node)


def _member(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.name.startswith("_") or node.name == "__call__":
            yield _signature(node)
        case ast.FunctionDef(name="__init__"):
            yield _signature(node)
        case ast.AnnAssign(target=ast.Name(id=field)) if not field.startswith("_"):
            yield ast.unparse(node)
        case ast.Assign(targets=[ast.Name(id=field)]) if not field.startswith("_"):
            yield ast.unparse(node)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    answer = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{word} {node.name}({ast.unparse(node.args)}){answer}"


if __name__ == "__main__":
    LIST.write_text(surface(), "utf-8")
