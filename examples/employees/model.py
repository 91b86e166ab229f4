"""What an employee is, what may be asked of their list, and what can be allowed."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.errors import Conflict, Invalid, NotFound
from domain.model.changes import UNSET, Unset, changed
from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS
from domain.model.queries import Day, Field, Fields, Instant, Sort, Text, Whole
from domain.model.scopes import Catalogue
from domain.model.texts import NAME_LIMIT

EMP_ID_MAX = 2**31 - 1


class EmployeePermission(StrEnum):
    CREATE = "employees:create"
    READ = "employees:read"
    READ_PII = "employees:read_pii"
    UPDATE = "employees:update"
    DELETE = "employees:delete"


CATALOGUE = Catalogue(
    permissions=CORE_PERMISSIONS | set(EmployeePermission), members=MEMBER_PERMISSIONS | {EmployeePermission.READ}
)
EMPLOYEE_FIELDS = Fields(
    Field("emp_id", Whole(1, EMP_ID_MAX), sorts=True),
    Field("emp_name", Text(NAME_LIMIT), sorts=True),
    Field("city", Text(NAME_LIMIT), sorts=True),
    Field("country", Text(NAME_LIMIT), sorts=True),
    Field("emp_dob", Day(), sorts=True),
    Field("created_at", Instant(), sorts=True),
    usual=(Sort("emp_id"),),
)


class EmployeeNotFound(NotFound):
    pass


class EmployeeIdTaken(Conflict):
    code = "employee_id_taken"
    sentence = "another employee has this emp_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """*emp_id* is what the business calls them, and unique."""

    id: UUID
    emp_id: int
    emp_name: str
    city: str
    country: str
    emp_dob: date
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def edit(
        self,
        *,
        emp_name: str | Unset = UNSET,
        city: str | Unset = UNSET,
        country: str | Unset = UNSET,
        emp_dob: date | Unset = UNSET,
        now: datetime,
    ) -> "Employee":
        return replace(
            self,
            emp_name=changed(emp_name, self.emp_name),
            city=changed(city, self.city),
            country=changed(country, self.country),
            emp_dob=changed(emp_dob, self.emp_dob),
            updated_at=now,
        )


def employee_id(raw: int) -> int:
    """1 to 2,147,483,647. Raises Invalid."""
    if not 1 <= raw <= EMP_ID_MAX:
        raise Invalid("emp_id", f"is a whole number from 1 to {EMP_ID_MAX}")
    return raw


def born(raw: date, *, now: datetime) -> date:
    """Not in the future, wherever on earth it is today. Raises Invalid."""
    if raw > now.date():
        raise Invalid("emp_dob", "is not in the future")
    return raw
