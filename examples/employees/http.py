from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, RequestBody
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Patch
from app.http.doors import ActorRequest, user_or_key
from app.http.fields import described, given, one_line
from app.http.idempotency import once, repeatable
from app.http.lists import ListView, list_query, listed, listing
from app.http.versions import expected_versions, tagged, versioned
from domain.model.actors import Actor
from domain.model.texts import NAME_LIMIT
from examples.employees.model import EMP_ID_MAX, EMPLOYEE_FIELDS, Employee, EmployeeNotFound, EmployeePermission
from examples.employees.service import EmployeeService

EmployeeId = Annotated[int, described("Unique among employees.", 4711, minimum=1, maximum=EMP_ID_MAX)]
Name = Annotated[str, one_line(NAME_LIMIT, "Ada Lovelace")]
Place = Annotated[str, one_line(NAME_LIMIT, "Berlin")]
BirthDate = Annotated[date, described("Not in the future.", "1985-12-10", format="date")]
PathEmployeeId = Annotated[str, PathParameter(schema_extra={"pattern": "^[1-9][0-9]{0,9}$"})]


class NewEmployee(Input, frozen=True, kw_only=True):
    emp_id: EmployeeId
    emp_name: Name
    city: Place
    country: Place
    emp_dob: BirthDate


class EmployeePatch(Patch, frozen=True, kw_only=True):
    emp_name: Name | UnsetType = UNSET
    city: Place | UnsetType = UNSET
    country: Place | UnsetType = UNSET
    emp_dob: BirthDate | UnsetType = UNSET


class EmployeeView(msgspec.Struct, frozen=True, kw_only=True):
    """*emp_dob* is absent for whoever may not read it."""

    emp_id: int
    emp_name: str
    city: str
    country: str
    emp_dob: date | UnsetType = UNSET


def view(employee: Employee, actor: Actor) -> EmployeeView:
    return EmployeeView(
        emp_id=employee.emp_id,
        emp_name=employee.emp_name,
        city=employee.city,
        country=employee.country,
        emp_dob=employee.emp_dob if actor.may(EmployeePermission.READ_PII) else UNSET,
    )


def path_id(raw: str) -> int:
    """Raises EmployeeNotFound for what is no such number: nobody can have it."""
    if not (raw.isascii() and raw.isdigit() and raw == str(int(raw[:12])) and 1 <= int(raw) <= EMP_ID_MAX):
        raise EmployeeNotFound
    return int(raw)


class EmployeeController(Controller):
    path = "/employees"
    tags = ("Employees",)

    @post(opt=user_or_key(EmployeePermission.CREATE) | repeatable())
    async def create_employee(
        self, request: ActorRequest, data: RequestBody[NewEmployee], employees: NamedDependency[EmployeeService]
    ) -> Response[EmployeeView]:
        """Take somebody on."""

        def made(employee: Employee) -> Response[EmployeeView]:
            headers = {"location": f"/v1/employees/{employee.emp_id}"}
            return versioned(view(employee, request.user), employee.version, status_code=201, headers=headers)

        employee = await employees.create(request.user, once=once(request, made), **msgspec.structs.asdict(data))
        return made(employee)

    @get(opt=user_or_key(EmployeePermission.READ) | listing(EMPLOYEE_FIELDS))
    async def list_employees(
        self, request: ActorRequest, employees: NamedDependency[EmployeeService]
    ) -> ListView[EmployeeView]:
        """List employees; to sort or filter by the date of birth takes the permission to read it."""
        query = list_query(request, EMPLOYEE_FIELDS)
        page = await employees.list(request.user, query)
        return listed(request, page, query, lambda employee: view(employee, request.user))

    @get("/{emp_id:str}", opt=user_or_key(EmployeePermission.READ))
    async def get_employee(
        self, request: ActorRequest, emp_id: PathEmployeeId, employees: NamedDependency[EmployeeService]
    ) -> Response[EmployeeView]:
        """Get one employee."""
        employee = await employees.get(request.user, path_id(emp_id))
        return tagged(request, view(employee, request.user), employee.version)

    @patch("/{emp_id:str}", opt=user_or_key(EmployeePermission.UPDATE))
    async def update_employee(
        self,
        request: ActorRequest,
        emp_id: PathEmployeeId,
        data: RequestBody[EmployeePatch],
        employees: NamedDependency[EmployeeService],
    ) -> Response[EmployeeView]:
        """Change some members of an employee; none of them can be cleared."""
        employee = await employees.update(
            request.user,
            path_id(emp_id),
            emp_name=given(data.emp_name),
            city=given(data.city),
            country=given(data.country),
            emp_dob=given(data.emp_dob),
            expected=expected_versions(request),
        )
        return tagged(request, view(employee, request.user), employee.version)

    @delete("/{emp_id:str}", opt=user_or_key(EmployeePermission.DELETE))
    async def delete_employee(
        self, request: ActorRequest, emp_id: PathEmployeeId, employees: NamedDependency[EmployeeService]
    ) -> None:
        """Let somebody go."""
        await employees.delete(request.user, path_id(emp_id), expected=expected_versions(request))
