from typing import Protocol

from domain.model.queries import Page, Query
from examples.employees.model import Employee


class EmployeeRepository(Protocol):
    async def add(self, employee: Employee) -> None:
        """Raises EmployeeIdTaken."""

    async def get(self, emp_id: int) -> Employee:
        """Raises EmployeeNotFound."""

    async def save(self, employee: Employee) -> Employee:
        """The employee with their next version. Raises EmployeeNotFound, EditConflict."""

    async def delete(self, employee: Employee) -> None:
        """Raises EmployeeNotFound, EditConflict."""

    async def list(self, query: Query) -> Page[Employee]:
        """By EMPLOYEE_FIELDS."""
