from operator import attrgetter

from adapters.memory.own import TableOf
from adapters.memory.queries import page_of
from adapters.memory.tables import Index, Table, present, update
from domain.model.queries import Page, Query
from examples.employees.model import Employee, EmployeeIdTaken, EmployeeNotFound


def employees() -> Table[Employee]:
    return Table(Index("emp_id", attrgetter("emp_id"), EmployeeIdTaken), absent=EmployeeNotFound)


class MemoryEmployeeRepository:
    def __init__(self, table_of: TableOf) -> None:
        self._employees = table_of(employees)

    async def add(self, employee: Employee) -> None:
        self._employees.writing.insert(employee)

    async def get(self, emp_id: int) -> Employee:
        if (employee := self._employees.only("emp_id", emp_id)) is None:
            raise EmployeeNotFound
        return employee

    async def save(self, employee: Employee) -> Employee:
        return update(self._employees.writing, employee)

    async def delete(self, employee: Employee) -> None:
        rows = self._employees.writing
        present(rows, employee)
        rows.remove(employee.id)

    async def list(self, query: Query) -> Page[Employee]:
        return page_of(self._employees, query)
