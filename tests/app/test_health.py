"""A supervisor asks whether it lives, a load balancer whether it can work."""

import asyncio
from collections.abc import Mapping
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


def ask(
    path: str, *, docs: str | None = "/docs", optional: Mapping[str, Check] | None = None, **checks: Check
) -> tuple[int, Any]:
    routes = health_routes(docs=docs, checks=checks, optional=optional, seconds=0.05)
    with TestClient(Litestar(routes, exception_handlers=exception_handlers, openapi_config=None)) as client:
        answer = client.get(path)
        return answer.status_code, answer.json()


@pytest.mark.parametrize("docs", ["/docs", None])
def test_the_root_names_the_service_and_its_documentation(docs: str | None) -> None:
    assert ask("/", docs=docs) == (200, {"name": "hexkey", "docs": docs})


def test_a_living_process_is_alive_whatever_it_stands_on() -> None:
    assert ask("/health/live", database=broken) == (200, {"status": "alive"})


def test_it_is_ready_while_every_check_passes() -> None:
    answer = ask("/health/ready", database=fine, schema=fine, optional={"redis": fine})
    assert answer == (200, {"status": "ready"})


@pytest.mark.parametrize("failing", [broken, stuck])
def test_without_what_it_can_do_without_it_serves_and_names_that(
    failing: Check, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask("/health/ready", database=fine, optional={"redis": failing})
    assert answer == (200, {"status": "degraded", "checks": {"database": "ok", "redis": "degraded"}})
    assert [record for record in caplog.records if record.name == "hexkey"] == []


def test_without_what_it_needs_it_does_not_serve_whatever_else_is_there() -> None:
    for optional, state in ((fine, "ok"), (broken, "degraded")):
        status, problem = ask("/health/ready", database=broken, optional={"redis": optional})
        assert (status, problem["checks"]) == (503, {"database": "failed", "redis": state})
        assert problem["detail"] == "not ready: database"


@pytest.mark.parametrize("failing", [broken, stuck])
def test_it_names_what_is_not_ready_and_nothing_more(failing: Check) -> None:
    status, problem = ask("/health/ready", database=failing, schema=fine)
    assert (status, problem["code"], problem["checks"]) == (503, "unavailable", {"database": "failed", "schema": "ok"})
    assert "secret" not in str(problem)
