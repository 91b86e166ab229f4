import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BindParameter, Boolean, Column, ColumnElement, Text, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.model.queries import Operator

Predicate = Callable[[Operator, BindParameter[Any]], ColumnElement[bool]]
"""What an operator says of a field that is no column."""


def compared(what: ColumnElement[Any], asked: Operator, value: BindParameter[Any]) -> ColumnElement[bool]:
    """NULL where *what* is NULL, whatever is *asked* of it."""
    return _COMPARED[asked](what, value)


def members_of(array: Column[Any]) -> ColumnElement[str]:
    """Each text in a column that is a JSON array of them, for an ``EXISTS``."""
    return _Members(array).table_valued(column("value", Text)).c.value


class _Holds(FunctionElement[bool]):
    """Whether the first text has the second within it: no pattern, so there is nothing to escape."""

    type = Boolean()
    inherit_cache = True


class _Members(FunctionElement[str]):
    inherit_cache = True


@compiles(_Holds, "sqlite")
def _instr(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **options)}) > 0)"


@compiles(_Holds, "postgresql")
def _strpos(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **options)}) > 0)"


@compiles(_Members, "sqlite")
def _json_each(element: _Members, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Members, "postgresql")
def _array_elements(element: _Members, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements_text({compiler.process(element.clauses, **options)})"


_COMPARED: Mapping[Operator, Callable[[ColumnElement[Any], BindParameter[Any]], ColumnElement[bool]]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.IN: lambda what, values: what.in_(values),
    Operator.CONTAINS: _Holds,
}
