"""What the ports promise, read from their Protocols, and what the contract tests prove, read from their source."""

import ast
import builtins
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

from domain import errors
from domain.ports.access import AccessDirectory
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

_NAMES = re.compile(r"[A-Z]\w+")
Proof = tuple[str, str | None]
"""A method such as ``users.add``, called by a test; and the refusal that the test expects around the call, if any."""


def methods() -> dict[str, str]:
    """Every method behind which there is a storage, such as ``users.add``, with its docstring."""
    ports = {"directory": AccessDirectory, **repositories(), "uow": UnitOfWorkFactory}
    return {
        f"{noun}.{name}": inspect.getdoc(method) or ""
        for noun, port in ports.items()
        for name, method in vars(port).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


def repositories() -> dict[str, type]:
    properties = {name: member for name, member in vars(UnitOfWork).items() if isinstance(member, property)}
    return {name: get_type_hints(member.fget)["return"] for name, member in properties.items()}


def promises() -> set[Proof]:
    """Every method, and every method with each refusal that its docstring names."""
    found: set[Proof] = set()
    for method, promise in methods().items():
        found.add((method, None))
        found.update((method, name) for name in _NAMES.findall(promise) if _is_refusal(name))
    return found


def proofs(source: str) -> set[Proof]:
    """What the tests in *source* call, of those that run on every storage."""
    tests = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AsyncFunctionDef))
    return {proof for test in tests if _takes_storage(test) for proof in _calls(test, None)}


def proofs_in(folder: Path) -> set[Proof]:
    return set().union(*(proofs(file.read_text("utf-8")) for file in folder.glob("test_*.py")))


def _calls(node: ast.AST, expected: str | None) -> Iterator[Proof]:
    """Each ``….noun.method(…)`` below *node*, plain and with what the blocks around it expect to be raised."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=ast.Attribute(attr=noun) | ast.Name(id=noun))):
            yield from ((f"{noun}.{method}", refusal) for refusal in {None, expected})
    if isinstance(node, ast.With | ast.AsyncWith):
        expected = next(filter(None, (_raised(item.context_expr) for item in node.items)), expected)
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, expected)


def _raised(context: ast.expr) -> str | None:
    """The ``X`` of ``pytest.raises(X, …)``."""
    match context:
        case ast.Call(func=ast.Attribute(attr="raises"), args=[ast.Name(id=name), *_]):
            return name
    return None


def _takes_storage(test: ast.AsyncFunctionDef) -> bool:
    return test.name.startswith("test_") and any(argument.arg == "storage" for argument in test.args.args)


def _is_refusal(name: str) -> bool:
    found = getattr(errors, name, None) or getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, Exception)
