"""Statements written in SQLAlchemy Core, compiled once, run on the driver's own connection.

A statement's parameters are its named ``bindparam``s; ``insert(table)`` without values takes every column by its name.

    GET = Statement(select(users.c.name).where(users.c.id == bindparam("id")))
    row = await connection.fetch_one(GET, id=user_id)

Why: SQLAlchemy stays the only author of SQL, and a row by its key costs a fraction of what a session takes
(``benchmarks/drivers.py`` prints how much).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol, cast

from sqlalchemy import Dialect, Executable, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.expression import ClauseElement, ReturnsRows

from domain.errors import DomainError

Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]
Codec = Callable[[Any], Any]
Slot = tuple[str, Codec | None]
_UNIQUE = (PrimaryKeyConstraint, UniqueConstraint)


class Plan:
    """A statement as one dialect runs it: its text, how values go in and how rows come out."""

    def __init__(self, core: Executable, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, cast(ClauseElement, core).compile(dialect=dialect))
        self._compiled = compiled
        self._names = frozenset(name for bind, name in compiled.bind_names.items() if bind.required)
        self._lists = {name for bind, name in compiled.bind_names.items() if bind.required and bind.expanding}
        self._encoders: dict[str, Codec | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
        }
        self.text, self._slots, known = self._arranged(dict.fromkeys(self._names - self._lists))
        self._literals = {name: value for name, value in known.items() if name not in self._names}
        self._decoders = _decoders(core, dialect)

    def bind(self, values: Values) -> tuple[str, list[Any]]:
        """The text and its parameters in order. TypeError names what is missing or unknown."""
        if values.keys() != self._names:
            raise TypeError(
                f"missing {sorted(self._names - values.keys())}, unknown {sorted(values.keys() - self._names)}"
            )
        if self._lists:
            text, slots, known = self._arranged(values)
            return text, [known[name] if encode is None else encode(known[name]) for name, encode in slots]
        given: Values = {**self._literals, **values} if self._literals else values
        return self.text, [given[name] if encode is None else encode(given[name]) for name, encode in self._slots]

    def decode(self, rows: Rows) -> Rows:
        """Column by column, and only the columns that need it."""
        if not rows or not self._decoders:
            return rows
        if len(rows) == 1:
            return [self._decode_one(rows[0])]
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for index, decode in self._decoders:
            columns[index] = map(decode, columns[index])
        return list(zip(*columns, strict=True))

    def _decode_one(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Half the price of a column at a time, where there is only one."""
        decoded = list(row)
        for index, decode in self._decoders:
            decoded[index] = decode(decoded[index])
        return tuple(decoded)

    def _arranged(self, values: Values) -> tuple[str, list[Slot], dict[str, Any]]:
        """``IN`` has as many parameters as its list is long; all else is arranged once."""
        state: ExpandedState = self._compiled.construct_expanded_state({**dict.fromkeys(self._lists, ()), **values})
        origin = {item: name for name, items in state.parameter_expansion.items() for item in items}
        slots = [(name, self._encoders[origin.get(name, name)]) for name in state.positiontup or ()]
        return state.statement, slots, dict(state.parameters)


def _decoders(core: Executable, dialect: Dialect) -> list[tuple[int, Codec]]:
    columns = core.exported_columns if isinstance(core, ReturnsRows) else ()
    decoders = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return [(index, decode) for index, decode in enumerate(decoders) if decode is not None]


class Statement:
    """One Core statement; cheap to make, compiled at its first use. Keep it, so that this happens once.

    It *writes* also where it only locks rows, for somebody else then waits.
    """

    def __init__(self, core: Executable) -> None:
        self.core = core
        locks = getattr(core, "_for_update_arg", None) is not None  # SQLAlchemy has no public name for it
        self.writes = locks or isinstance(core, UpdateBase)
        self._plans: dict[str, Plan] = {}

    def plan(self, dialect: Dialect) -> Plan:
        try:
            return self._plans[dialect.name]
        except KeyError:
            return self._plans.setdefault(dialect.name, Plan(self.core, dialect))

    @property
    def verb(self) -> str:
        """``SELECT``, ``INSERT`` and so on."""
        return str(getattr(self.core, "__visit_name__", "statement")).upper()

    @property
    def shown(self) -> str | None:
        """Its text without values, once it has been run."""
        return next((plan.text for plan in self._plans.values()), None)

    @property
    def table(self) -> Table:
        """The table that it writes."""
        table = self.core.table if isinstance(self.core, UpdateBase) else None
        if not isinstance(table, Table):
            raise TypeError("this statement writes no table")
        return table


class Reading(Protocol):
    """Each statement sees what is committed when it starts.

    Raises:
        Unavailable: the database is away, busy for too long or out of room.
        TypeError: a value is missing or unknown; or, outside a unit of work, the statement writes.
    """

    async def fetch(self, statement: Statement, /, **values: Any) -> Rows: ...

    async def fetch_one(self, statement: Statement, /, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or ``None``; all rows are read, so ask for one."""
        ...


class Connection(Reading, Protocol):
    """A unit of work's hold on the database. After an error it refuses further statements, and to commit.

    Raises:
        Duplicate, MissingReference: a constraint is violated; `refusing` speaks of it in the domain's words.
        RuntimeError: an earlier error was swallowed.
    """

    async def execute(self, statement: Statement, /, **values: Any) -> int:
        """How many rows it changed."""
        ...

    async def execute_many(self, statement: Statement, rows: Iterable[Values], /) -> None: ...

    async def lock(self, statement: Statement, /, **values: Any) -> None:
        """Hold the rows of a ``SELECT … FOR UPDATE`` until the unit ends; nothing where there is nobody to wait for."""
        ...

    def refuse(self, refusal: DomainError) -> NoReturn:
        """Raise *refusal* of a write that the database itself let pass: only the rollback is left."""
        ...


class Duplicate(Exception):
    """A unique constraint, or a primary key, of *table* that starts with *first_column* is violated."""

    def __init__(self, table: str, first_column: str) -> None:
        self.table = table
        self.first_column = first_column
        super().__init__(f"{table}.{first_column} is not unique")


class MissingReference(Exception):
    """A write of *table* left a reference, its own or one to it, that leads nowhere."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(f"a reference of {table} leads nowhere")


@contextmanager
def refusing(
    *, duplicate: Mapping[str, DomainError] | None = None, missing: DomainError | None = None
) -> Iterator[None]:
    """Speak of violated constraints in the words of the domain; those not named pass unchanged.

    *duplicate* goes by the first column of what must be unique: ``refusing(duplicate={"email": EmailTaken()})``.
    """
    try:
        yield
    except Duplicate as violation:
        if duplicate is None or violation.first_column not in duplicate:
            raise
        raise duplicate[violation.first_column] from violation
    except MissingReference as violation:
        if missing is None:
            raise
        raise missing from violation


def duplicate_of(table: Table, constraint: str) -> Duplicate | None:
    """What the database's name for a constraint or unique index says, by the metadata of *table*."""
    for candidate in table.metadata.tables.values():
        rules = [*candidate.indexes, *(rule for rule in candidate.constraints if isinstance(rule, _UNIQUE))]
        for rule in rules:
            if rule.name == constraint:
                return Duplicate(candidate.name, next(iter(rule.columns)).name)
    return None


class Unit:
    """After the first error of a unit of work only its rollback is left, on every database alike."""

    _refused = False

    @contextmanager
    def one_refusal(self) -> Iterator[None]:
        self.check()
        try:
            yield
        except BaseException:
            self._refused = True
            raise

    def refuse(self, refusal: DomainError) -> NoReturn:
        self._refused = True
        raise refusal

    def check(self) -> None:
        if self._refused:
            raise RuntimeError("a refused write was swallowed")


def refuse_writes(statement: Statement) -> None:
    if statement.writes:
        raise TypeError("this statement writes: it needs a unit of work")
