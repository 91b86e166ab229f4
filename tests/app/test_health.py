"""A supervisor asks whether it lives, a load balancer whether it can work."""

import asyncio
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from app.http.health import Check, health_routes
from app.http.problems import exception_handlers


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("postgresql://secret")


async def stuck() -> None:
    await asyncio.Event().wait()


def ask(path: str, *, docs: str | None = "/docs", **checks: Check) -> tuple[int, Any]:
    routes = health_routes(docs=docs, checks=checks, seconds=0.05)
    with TestClient(Litestar(routes, exception_handlers=exception_handlers, openapi_config=None)) as client:
        answer = client.get(path)
        return answer.status_code, answer.json()


@pytest.mark.parametrize("docs", ["/docs", None])
def test_the_root_names_the_service_and_its_documentation(docs: str | None) -> None:
    assert ask("/", docs=docs) == (200, {"name": "hexkey", "docs": docs})


def test_a_living_process_is_alive_whatever_it_stands_on() -> None:
    assert ask("/health/live", database=broken) == (200, {"status": "alive"})


def test_it_is_ready_while_every_check_passes() -> None:
    assert ask("/health/ready", database=fine, schema=fine) == (200, {"status": "ready"})


@pytest.mark.parametrize("failing", [broken, stuck])
def test_it_names_what_is_not_ready_and_nothing_more(failing: Check) -> None:
    status, problem = ask("/health/ready", database=failing, schema=fine)
    assert (status, problem["code"], problem["checks"]) == (503, "unavailable", {"database": "failed", "schema": "ok"})
    assert "secret" not in str(problem)
