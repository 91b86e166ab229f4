from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Date, Integer, MetaData, Table, bindparam, insert, select

from adapters.sql import Branch
from adapters.sql.base import Id, Instant, Row, code_points, folded
from adapters.sql.queries import Listing
from adapters.sql.statements import Connection, Statement, refusing
from adapters.sql.versions import VersionedTable
from domain.model.queries import Page, Query
from domain.model.texts import NAME_LIMIT
from examples.employees.model import EMPLOYEE_FIELDS, Employee, EmployeeIdTaken, EmployeeNotFound

METADATA = MetaData(naming_convention=Row.metadata.naming_convention)
EMPLOYEES = Table(
    "employees",
    METADATA,
    Column("id", Id(), primary_key=True),
    Column("emp_id", Integer, nullable=False, unique=True),
    Column("emp_name", code_points(NAME_LIMIT), nullable=False),
    Column("city", code_points(NAME_LIMIT), nullable=False),
    Column("country", code_points(NAME_LIMIT), nullable=False),
    Column("emp_dob", Date, nullable=False),
    Column("created_at", Instant(), nullable=False),
    Column("updated_at", Instant(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("emp_name_folded", folded(NAME_LIMIT), nullable=False),
    Column("city_folded", folded(NAME_LIMIT), nullable=False),
    Column("country_folded", folded(NAME_LIMIT), nullable=False),
)
BRANCH = Branch("employees", Path(__file__).parent / "migrations", "0001", METADATA)
MUTABLE = ("emp_name", "city", "country", "emp_dob", "updated_at", "emp_name_folded", "city_folded", "country_folded")

_COLUMNS = [column for column in EMPLOYEES.c if not column.name.endswith("_folded")]
_ADD = Statement(insert(EMPLOYEES))
_GET = Statement(select(*_COLUMNS).where(EMPLOYEES.c.emp_id == bindparam("emp_id")))
_VERSIONS = VersionedTable(EMPLOYEES, mutable=MUTABLE, absent=EmployeeNotFound)
_LISTING = Listing.of(EMPLOYEES, EMPLOYEE_FIELDS)


def _values(employee: Employee) -> dict[str, Any]:
    """Beside each text what it is searched by."""
    values = asdict(employee)
    return values | {f"{name}_folded": values[name].casefold() for name in ("emp_name", "city", "country")}


def _employee(row: tuple[Any, ...]) -> Employee:
    return Employee(**dict(zip((column.name for column in _COLUMNS), row, strict=True)))


class SqlEmployeeRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, employee: Employee) -> None:
        with refusing(duplicate={"emp_id": EmployeeIdTaken()}):
            await self._connection.execute(_ADD, **_values(employee))

    async def get(self, emp_id: int) -> Employee:
        if (row := await self._connection.fetch_one(_GET, emp_id=emp_id)) is None:
            raise EmployeeNotFound
        return _employee(row)

    async def save(self, employee: Employee) -> Employee:
        values = _values(employee)
        return await _VERSIONS.save(self._connection, employee, {name: values[name] for name in MUTABLE})

    async def delete(self, employee: Employee) -> None:
        await _VERSIONS.delete(self._connection, employee)

    async def list(self, query: Query) -> Page[Employee]:
        return await _LISTING.page(self._connection, query, _employee)
