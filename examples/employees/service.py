from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, require_version
from domain.model.queries import Page, Query
from domain.model.texts import name_text
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from examples.employees.model import EMPLOYEE_FIELDS, Employee, EmployeePermission, born, employee_id
from examples.employees.port import EmployeeRepository


class EmployeeService:
    """*employees* is the repository of the storage that *uow* is about."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        employees: Callable[[Any], EmployeeRepository],
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._employees = employees
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    async def create(
        self,
        actor: Actor,
        *,
        emp_id: int,
        emp_name: str,
        city: str,
        country: str,
        emp_dob: date,
        once: Once[Employee] = REPEATEDLY,
    ) -> Employee:
        """Raises PermissionDenied, Invalid, EmployeeIdTaken."""
        actor.require(EmployeePermission.CREATE)
        now = self._clock.now()
        employee = Employee(
            id=self._ids.new(),
            emp_id=employee_id(emp_id),
            emp_name=name_text(emp_name, "emp_name"),
            city=name_text(city, "city"),
            country=name_text(country, "country"),
            emp_dob=born(emp_dob, now=now),
            created_at=now,
            updated_at=now,
        )
        async with self._uow() as work:
            await work.own(self._employees).add(employee)
            await self._recorder.record(work, actor, "employee.created", employee.id, {"emp_id": employee.emp_id})
            await once.keep(work, employee)
        return employee

    async def get(self, actor: Actor, emp_id: int) -> Employee:
        """Raises PermissionDenied, EmployeeNotFound."""
        actor.require(EmployeePermission.READ)
        async with self._uow.reading() as work:
            return await work.own(self._employees).get(emp_id)

    async def list(self, actor: Actor, query: Query) -> Page[Employee]:
        """Whoever may not see when people were born may not ask by it either. Raises PermissionDenied, Invalid."""
        actor.require(EmployeePermission.READ)
        asked = {sort.field for sort in query.sorting} | {asked.field.name for asked in query.filters}
        if "emp_dob" in asked:
            actor.require(EmployeePermission.READ_PII)
        async with self._uow.reading() as work:
            return await work.own(self._employees).list(query.within(EMPLOYEE_FIELDS))

    async def update(
        self,
        actor: Actor,
        emp_id: int,
        *,
        emp_name: str | Unset = UNSET,
        city: str | Unset = UNSET,
        country: str | Unset = UNSET,
        emp_dob: date | Unset = UNSET,
        expected: Collection[int] | None = None,
    ) -> Employee:
        """Change what is given; *expected* are the versions that the caller has read, None is whichever.

        Raises PermissionDenied, Invalid, EmployeeNotFound, PreconditionFailed.
        """
        actor.require(EmployeePermission.UPDATE)
        now = self._clock.now()
        name = emp_name if isinstance(emp_name, Unset) else name_text(emp_name, "emp_name")
        town = city if isinstance(city, Unset) else name_text(city, "city")
        land = country if isinstance(country, Unset) else name_text(country, "country")
        birth = emp_dob if isinstance(emp_dob, Unset) else born(emp_dob, now=now)
        async with self._uow() as work:
            employees = work.own(self._employees)
            employee = await employees.get(emp_id)
            require_version(employee.version, expected)
            edited = employee.edit(emp_name=name, city=town, country=land, emp_dob=birth, now=now)
            saved = await employees.save(edited)
            await self._recorder.record(work, actor, "employee.updated", employee.id, {"emp_id": emp_id})
        return saved

    async def delete(self, actor: Actor, emp_id: int, *, expected: Collection[int] | None = None) -> None:
        """Raises PermissionDenied, EmployeeNotFound, PreconditionFailed."""
        actor.require(EmployeePermission.DELETE)
        async with self._uow() as work:
            employees = work.own(self._employees)
            employee = await employees.get(emp_id)
            require_version(employee.version, expected)
            await employees.delete(employee)
            await self._recorder.record(work, actor, "employee.deleted", employee.id, {"emp_id": emp_id})
