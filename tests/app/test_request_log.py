"""What is written of a request, and what never is."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec
import pytest
from litestar import get

from app.http.application import Exposure
from app.http.doors import public
from app.logs import JsonLines, Masking
from domain.model.limits import policy
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import ADDRESS, PASSWORD, Service, presenting


@get("/accident", opt=public())
async def accident() -> None:
    raise RuntimeError("nobody has foreseen it")


def logging_service(which: Literal["off", "refused", "all"], **given: Any) -> Service:
    """Its own application, since one of its routes is."""
    return Service(memory_ports(**given), Exposure(log_requests=which), handlers=[accident])


def lines(caplog: pytest.LogCaptureFixture) -> list[Mapping[str, Any]]:
    """As a machine reads them; each is read once."""
    found = [record for record in caplog.records if record.name == "hexkey.requests"]
    for record in found:
        Masking().filter(record)
    written = [msgspec.json.decode(JsonLines().format(record)) for record in found]
    caplog.clear()
    return written


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_a_line_says_who_asked_for_what_at_which_door_and_what_came_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = logging_service("all")
    ada = await service.user()
    project = await ada.project("Warehouse")
    robot = await ada.key("read")
    lines(caplog)
    answer = await robot.get(f"/v1/projects/{project['id']}?token=secret")
    await robot.get(f"/v1/projects/{project['id']}")
    first, second = lines(caplog)
    assert first.items() >= {"status": 422, "outcome": "refused", "actor_id": robot.id}.items()
    assert first["request_id"] == answer.headers["x-request-id"]
    assert second.pop("duration_ms") > 0
    assert {name: second[name] for name in second.keys() - {"ts", "request_id"}} == {
        "level": "info",
        "event": "answered",
        "logger": "hexkey.requests",
        "actor_type": "key",
        "actor_id": robot.id,
        "source_ip": ADDRESS,
        "method": "GET",
        "route": "/v1/projects/{project_id}",
        "door": "user or key",
        "status": 200,
        "outcome": "done",
    }


async def test_who_is_refused_at_a_door_is_named_and_so_is_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    service = logging_service("refused")
    ada = await service.user()
    lines(caplog)
    await ada.get("/v1/users")
    await (await ada.key("read")).get("/v1/me")
    await service.anyone.get("/v1/me")
    person, robot, stranger = lines(caplog)
    assert person.items() >= {"actor_type": "user", "actor_id": ada.id, "reason": "permission_denied"}.items()
    assert robot.items() >= {"actor_type": "key", "reason": "credential_kind_not_allowed", "door": "user"}.items()
    assert stranger.items() >= {"reason": "unauthenticated", "source_ip": ADDRESS, "door": "user"}.items()
    assert "actor_id" not in stranger


async def test_of_refused_the_rest_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    service = logging_service("refused")
    ada = await service.user()
    await ada.get("/v1/me")
    await ada.get("/health/ready")
    assert lines(caplog) == []
    await service.anyone.get("/v1/me")
    await service.anyone.get("/accident")
    await service.anyone.token(grant_type="password", username="ada@example.org", password="wrong")
    written = [(line["outcome"], line["reason"], line["status"]) for line in lines(caplog)]
    assert written == [
        ("refused", "unauthenticated", 401),
        ("failed", "internal_error", 500),
        ("refused", "invalid_grant", 400),
    ]


async def test_whoever_asks_without_end_fills_no_disk(caplog: pytest.LogCaptureFixture) -> None:
    service = logging_service("refused", rules=replace(NO_LIMITS, anonymous_limit=policy("3/minute")))
    for number in range(20):
        await service.anyone.get("/v1/me")
        await service.anyone.get(f"/v1/nowhere/{number}")
    assert [line["status"] for line in lines(caplog)] == [401] * 3


async def test_off_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    service = logging_service("off")
    await service.anyone.get("/v1/me")
    await service.user()
    assert lines(caplog) == []


async def test_no_secret_is_written_wherever_a_caller_puts_it(caplog: pytest.LogCaptureFixture) -> None:
    service = logging_service("all")
    ada = await service.user()
    robot = await ada.key("read")
    browser = await service.browser(ada)
    tail, bearer = robot.secret[-30:], ada.tokens["access_token"]
    hostile = service.anyone.saying(x_request_id=robot.secret, user_agent=robot.secret, x_forwarded_for=robot.secret)
    await hostile.get(f"/v1/me/{robot.secret}?key={robot.secret}")
    await hostile.saying(**presenting(bearer)).get(f"/v1/projects/{robot.secret}")
    await browser.get("/v1/me")
    await service.anyone.token(grant_type="password", username=ada.email, password=PASSWORD)
    text = str(lines(caplog))
    assert "answered" in text
    for secret in (tail, bearer, bearer[-20:], PASSWORD, browser.session, ada.tokens["refresh_token"][8:], ada.email):
        assert secret not in text
