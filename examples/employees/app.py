"""The wiring: ``hexkey --app examples.employees.app:create run``."""

import os
from typing import Any

from litestar import Router

from app.composition import Ports, assemble, connect
from app.http.application import Exposure, create_app
from app.http.edge import Application
from app.http.routes import routes
from app.settings import Settings, load
from domain.services.audit import Recorder
from examples.employees.http import EmployeeController
from examples.employees.memory import MemoryEmployeeRepository
from examples.employees.model import CATALOGUE
from examples.employees.service import EmployeeService
from examples.employees.sql import BRANCH, SqlEmployeeRepository


def ports_of(settings: Settings, **given: Any) -> Ports:
    """Ours with employees in them: what can be allowed, and their table."""
    return connect(settings, catalogue=CATALOGUE, branches=[BRANCH], **given)


def handlers(ports: Ports) -> list[Router]:
    service = EmployeeService(
        uow=ports.uow,
        employees=MemoryEmployeeRepository if ports.storage == "memory" else SqlEmployeeRepository,
        recorder=Recorder(clock=ports.clock, ids=ports.ids),
        clock=ports.clock,
        ids=ports.ids,
    )
    return [routes("/v1", handlers=[EmployeeController], services={"employees": service})]


def create() -> Application:
    settings = load(os.environ)
    ports = ports_of(settings)
    return create_app(assemble(ports), Exposure.of(settings), handlers=handlers(ports))
