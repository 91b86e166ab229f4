"""What ports and services say they raise exists, and is a refusal."""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import errors

DOMAIN = Path(__file__).parents[2] / "src" / "domain"
MODULES = sorted([*(DOMAIN / "ports").glob("*.py"), *(DOMAIN / "services").glob("*.py")])
PROMISE = re.compile(r"\bRaises (.*?)(?:\.(?=\s|$)|$)", re.DOTALL)
NAME = re.compile(r"\b(?:[A-Z][a-z]+){1,}\b")
PLAIN_WORDS = {"None", "True", "False"}


def promised(module: Path) -> Iterator[tuple[str, str]]:
    """Each function or class with each name that stands in a sentence of its docstring with ``Raises``."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for sentence in PROMISE.findall(ast.get_docstring(node) or ""):
                yield from ((node.name, name) for name in NAME.findall(sentence) if name not in PLAIN_WORDS)


PROMISES = [(module.stem, *promise) for module in MODULES for promise in promised(module)]


@pytest.mark.parametrize(("module", "method", "name"), PROMISES)
def test_whatever_is_promised_to_be_raised_exists(module: str, method: str, name: str) -> None:
    found = getattr(errors, name, None) or getattr(builtins, name, None)
    assert isinstance(found, type), f"{module}: {method} raises {name}, which does not exist"
    assert issubclass(found, Exception), f"{module}: {method} raises {name}, which is no exception"


def test_the_promises_are_found() -> None:
    assert ("keys", "add", "QuotaReached") in PROMISES
    assert ("projects", "save", "ProjectNameTaken") in PROMISES
    assert len(PROMISES) > 40
