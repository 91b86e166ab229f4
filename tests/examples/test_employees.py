"""A resource that somebody adds from outside is served, listed, guarded and migrated as ours are."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import get

from adapters.sql import SchemaNotCurrent, SqlUnitOfWorkFactory, migration_config, open_database, require_current
from app.http.application import create_app
from app.http.routes import WrongRoutes, routes
from app.settings import parse
from domain.errors import EditConflict
from domain.model.queries import Operator, Query, Sort
from domain.ports.unit_of_work import UnitOfWorkFactory
from examples.employees.app import handlers, ports_of
from examples.employees.memory import MemoryEmployeeRepository
from examples.employees.model import (
    CATALOGUE,
    EMPLOYEE_FIELDS,
    Employee,
    EmployeeIdTaken,
    EmployeeNotFound,
)
from examples.employees.sql import BRANCH, SqlEmployeeRepository
from tests.support.bola import CANARY, Operation, attempts, operations, strangers, world
from tests.support.databases import NAMES, Storage, create_postgres, drop_postgres, memory_storage
from tests.support.examples import HOSTILE_TEXTS, a_user, an_event
from tests.support.excuses import EXCUSES, Excuse
from tests.support.fakes import START, CountingIds
from tests.support.fuzzing import ROLES, Gate, fuzz, openapi
from tests.support.ports import NO_LIMITS, ports_over
from tests.support.process import PASSWORD, Installation, installation
from tests.support.service import Service

ROOT = Path(__file__).parents[2]
APP = {"HEXKEY_APP": "examples.employees.app:create", "PYTHONPATH": str(ROOT)}
IDS = CountingIds(start=0x5000)


def an_employee(emp_id: int = 7, **given: Any) -> Employee:
    present = {"id": IDS.new(), "emp_name": f"{CANARY} Ada", "city": "London", "country": "England"}
    times = {"emp_dob": date(1985, 12, 10), "created_at": START, "updated_at": START}
    return Employee(**{**present, **times, "emp_id": emp_id, **given})


def serve(_: Storage | None = None) -> Service:
    ports = ports_over(memory_storage(CATALOGUE), rules=replace(NO_LIMITS, catalogue=CATALOGUE))
    return Service(ports, handlers=handlers(ports))


DOCUMENT = openapi(serve)
DOCUMENT["paths"] = {path: item for path, item in DOCUMENT["paths"].items() if "employees" in path}
OWN = operations(DOCUMENT)


def test_nothing_in_the_package_knows_of_employees() -> None:
    named = [path for path in (ROOT / "src").rglob("*.py") if "employee" in path.read_text("utf-8").lower()]
    assert named == []


def test_the_document_tells_of_it() -> None:
    assert sorted(map(str, OWN)) == [
        "DELETE /v1/employees/{emp_id}",
        "GET /v1/employees",
        "GET /v1/employees/{emp_id}",
        "PATCH /v1/employees/{emp_id}",
        "POST /v1/employees",
    ]
    sorting = next(p for p in DOCUMENT["paths"]["/v1/employees"]["get"]["parameters"] if p["name"] == "sorting")
    assert sorting["schema"]["default"] == "emp_id:asc"


def test_it_does_not_start_without_a_door() -> None:
    @get("/payroll")
    async def payroll() -> str:
        return "what everybody earns"

    ports = ports_of(parse({"HEXKEY_DATABASE_URL": "memory://", "HEXKEY_SECRETS": "kT3vQ9zLw6Yp1Rb8Xn4Ms7Jd2Fh5Gc0A"}))
    group = routes("/v1", handlers=[payroll])
    with pytest.raises(WrongRoutes, match=r"^GET /v1/payroll: no door$"):
        create_app(serve().services, handlers=[*handlers(ports), group])


@pytest.mark.parametrize("operation", OWN, ids=str)
async def test_whoever_was_not_let_in_gets_nothing_and_changes_nothing(operation: Operation) -> None:
    service = serve()
    async with service.ports.uow() as work:
        await work.own(MemoryEmployeeRepository).add(an_employee())
    there = await world(service, DOCUMENT, emp_id="7")
    before = await there.seen()
    assert before["GET /v1/employees/{emp_id} by the admin"][0] == 200
    for by, caller in (await strangers(there)).items():
        for attempt in await attempts(there, operation, by, caller):
            assert attempt.status == (401 if by == "anonymous" else 403), f"{operation}: {attempt}"
            assert not attempt.leaked, f"{operation}: {attempt}"
    assert await there.seen() == before


@pytest.mark.parametrize("role", ["admin", "key"])
def test_everything_in_the_document_is_so(databases: Any, role: str) -> None:
    born = Excuse("nobody is born in the future, and no schema knows the date", pointers=("/emp_dob",))
    report = fuzz(
        DOCUMENT, Gate(databases, "memory", ROLES[role], serve), known=True, examples=5, excuses=(*EXCUSES, born)
    )
    assert not report.failures, str(report)
    assert not report.errors, str(report)
    assert set(report.statuses) == set(map(str, OWN))
    assert {status for seen in report.statuses.values() for status in seen} >= {200, 201, 404, 422}


@pytest.fixture(params=NAMES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[UnitOfWorkFactory, Any]]:
    """A unit of work in which employees take part, and their repository."""
    if request.param == "memory":
        yield memory_storage().uow, MemoryEmployeeRepository
        return
    target = tmp_path / "hexkey.db" if request.param == "sqlite" else await create_postgres()
    try:
        await asyncio.to_thread(upgrade, target)
        database = open_database(target)
        yield SqlUnitOfWorkFactory(database), SqlEmployeeRepository
        await database.close()
    finally:
        if isinstance(target, str):
            await drop_postgres(target)


def upgrade(target: Path | str) -> None:
    from advanced_alchemy.alembic.commands import AlembicCommands

    for config in (migration_config(target), migration_config(target, BRANCH)):
        AlembicCommands(config).upgrade()


Store = tuple[UnitOfWorkFactory, Any]


async def test_an_employee_is_kept_as_they_are(store: Store) -> None:
    uow, employees = store
    kept = [an_employee(n, emp_name=text, city=text) for n, text in enumerate(HOSTILE_TEXTS, start=1)]
    async with uow() as work:
        for employee in kept:
            await work.own(employees).add(employee)
    async with uow.reading() as work:
        assert [await work.own(employees).get(employee.emp_id) for employee in kept] == kept
        with pytest.raises(EmployeeNotFound):
            await work.own(employees).get(4711)


async def test_what_is_ours_and_what_is_theirs_is_kept_together_or_not_at_all(store: Store) -> None:
    uow, employees = store
    user, employee = a_user(), an_employee()
    with pytest.raises(ZeroDivisionError):
        async with uow() as work:
            await work.users.add(user)
            await work.own(employees).add(employee)
            raise ZeroDivisionError
    async with uow() as work:
        assert await work.users.find_by_email(user.email) is None
        with pytest.raises(EmployeeNotFound):
            await work.own(employees).get(7)
        await work.own(employees).add(employee)
        assert await work.own(employees).get(7) == employee
        await work.events.add(an_event())
    async with uow.reading() as work:
        assert await work.own(employees).get(7) == employee


async def test_an_emp_id_is_taken_once(store: Store) -> None:
    uow, employees = store
    async with uow() as work:
        await work.own(employees).add(an_employee())
    with pytest.raises(EmployeeIdTaken):
        async with uow() as work:
            await work.own(employees).add(an_employee())
    with pytest.raises(RuntimeError, match="swallowed"):
        async with uow() as work:
            with pytest.raises(EmployeeIdTaken):
                await work.own(employees).add(an_employee())


async def test_whoever_saves_what_has_changed_is_told(store: Store) -> None:
    uow, employees = store
    employee = an_employee()
    async with uow() as work:
        await work.own(employees).add(employee)
    async with uow() as work:
        saved = await work.own(employees).save(replace(employee, city="Paris"))
        assert saved == replace(employee, city="Paris", version=2)
    for write in ("save", "delete"):
        with pytest.raises(EditConflict):
            async with uow() as work:
                await getattr(work.own(employees), write)(employee)
    async with uow() as work:
        await work.own(employees).delete(saved)
    with pytest.raises(EmployeeNotFound):
        async with uow() as work:
            await work.own(employees).save(saved)


async def test_who_only_looks_does_not_write(store: Store) -> None:
    uow, employees = store
    with pytest.raises(RuntimeError, match="does not write"):
        async with uow.reading() as work:
            await work.own(employees).add(an_employee())


async def test_a_list_is_asked_alike_everywhere(store: Store) -> None:
    uow, employees = store
    async with uow() as work:
        for n, born in ((3, date(1990, 1, 1)), (1, date(1980, 1, 1)), (2, date(1980, 1, 1))):
            await work.own(employees).add(an_employee(n, emp_dob=born, city="Straße" if n > 1 else "Rom"))
    asked = EMPLOYEE_FIELDS["city"].filter(Operator.CONTAINS, "STRASSE", "city")
    late = EMPLOYEE_FIELDS["emp_dob"].filter(Operator.GTE, "1980-01-02", "emp_dob")
    oldest = (Sort("emp_dob"), Sort("emp_id", descending=True))

    async def found(**query: Any) -> list[int]:
        async with uow.reading() as work:
            return [row.emp_id for row in (await work.own(employees).list(Query(**query))).items]

    assert await found(sorting=oldest) == [2, 1, 3]
    assert await found(sorting=(Sort("emp_id"),), filters=(asked,)) == [2, 3]
    assert await found(sorting=(Sort("emp_id"),), filters=(late,)) == [3]
    async with uow.reading() as work:
        first = await work.own(employees).list(Query(sorting=oldest, limit=1))
    assert await found(sorting=oldest, after=first.next) == [1, 3]


def migrated(installed: Installation) -> Installation:
    done = installed.run("database", "upgrade", "--no-prompt")
    assert done.returncode == 0, done.stderr
    return installed


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_it_is_upgraded_with_ours_and_runs_with_several_workers(tmp_path: Path, storage: str) -> None:
    first = {"HEXKEY_ADMIN_EMAIL": "root@example.org", "HEXKEY_ADMIN_PASSWORD": PASSWORD}
    with installation(tmp_path, storage, **APP, **first) as installed:
        refused = installed.run("run", "--port", "0")
        assert (refused.returncode, "hexkey database upgrade" in refused.stderr) == (1, True), refused.stderr
        migrated(migrated(installed))
        with installed.server(workers=2) as server:
            form = {"grant_type": "password", "username": "root@example.org", "password": PASSWORD}
            token = httpx.post(f"{server.url}/v1/auth/token", data=form).json()["access_token"]
            asked = httpx.get(f"{server.url}/v1/employees", headers={"authorization": f"Bearer {token}"})
            assert (asked.status_code, asked.json()["data"]) == (200, []), asked.text


async def test_whoever_has_our_tables_and_not_theirs_is_told_which_are_missing(tmp_path: Path) -> None:
    target = tmp_path / "hexkey.db"
    from advanced_alchemy.alembic.commands import AlembicCommands

    AlembicCommands(migration_config(target)).upgrade()
    database = open_database(target)
    await require_current(database)
    with pytest.raises(SchemaNotCurrent, match=r"^the schema of employees is at nothing, not at 0001"):
        await require_current(database, [BRANCH])
    await database.close()


def test_every_command_is_about_the_application_that_is_named(tmp_path: Path) -> None:
    with installation(tmp_path, "sqlite", PYTHONPATH=str(ROOT)) as installed:
        named = ("--app", "examples.employees.app:create")
        listed = json.loads(installed.run(*named, "routes", "--json").stdout)["data"]
        own = {row["method"]: row["permissions"] for row in listed if row["path"].startswith("/v1/employees/")}
        assert own == {
            "GET": ["employees:read"],
            "PATCH": ["employees:update"],
            "DELETE": ["employees:delete"],
        }
        assert "employees" not in installed.run("routes").stdout
        assert installed.run(*named, "database", "upgrade", "--no-prompt").returncode == 0
        assert installed.run(*named, "database", "check").returncode == 0
        assert installed.run(*named, "database", "check", "--bind-key", "employees").returncode == 0
        assert installed.run("database", "check").returncode == 0


def test_a_change_of_their_table_is_written_as_the_next_revision(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with installation(tmp_path, "sqlite", **{**APP, "PYTHONPATH": str(tmp_path)}) as installed:
        migrated(installed)
        table, versions = tmp_path / "examples/employees/sql.py", tmp_path / "examples/employees/migrations/versions"
        column = '    Column("version", Integer, nullable=False),\n'
        table.write_text(table.read_text().replace(column, f'{column}    Column("salary", Integer),\n'))
        about = ("--bind-key", "employees")
        asked = ("make-migrations", *about, "--no-prompt", "-m", "salaries")
        made = installed.run("database", *asked)
        assert made.returncode == 0, made.stderr
        [revision] = versions.glob("*salaries.py")
        assert "add_column(sa.Column('salary', sa.Integer()" in revision.read_text()
        table.write_text(table.read_text().replace('"0001"', f'"{revision.name.partition("_")[0]}"'))
        behind = installed.run("users", "list")
        assert (behind.returncode, "the schema of employees is at 0001" in behind.stderr) == (1, True), behind.stderr
        migrated(installed)
        assert installed.run("database", "check", *about).returncode == 0
        assert installed.run("users", "list").returncode == 0


def test_the_readme_counts_the_lines_that_there_are() -> None:
    folder = ROOT / "examples" / "employees"
    told = re.findall(r"^\| `([\w./]+)` \| (\d+) \|", (folder / "README.md").read_text(), re.MULTILINE)
    counted = {
        str(file.relative_to(folder)): str(len(file.read_text().splitlines()))
        for file in folder.rglob("*.py")
        if "tests" not in file.parts
    }
    assert dict(told) == counted
