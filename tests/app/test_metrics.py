"""What the operator is told of requests and of what they stand on, and that nobody else is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar import get
from prometheus_client.parser import text_string_to_metric_families

from app.composition import counted, nothing
from app.http.application import Exposure
from app.http.doors import public
from app.http.metrics import BOUNDS
from app.readings import figure
from app.settings import Secret
from domain.errors import Unavailable
from domain.model.limits import policy
from tests.support.ports import memory_ports
from tests.support.service import PASSWORD, Caller, Service, presenting, refusal

TOKEN = "what only the operator's own collector has"
EXPOSURE = Exposure(metrics_token=Secret(TOKEN))
Found = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def service() -> Service:
    return Service(counted(memory_ports()), EXPOSURE)


def samples(text: str) -> Found:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def told(service: Service) -> Found:
    answer = await service.anyone.saying(authorization=f"Bearer {TOKEN}").get("/metrics")
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def of(found: Found, name: str, /, **labels: Any) -> float:
    return found.get((name, frozenset((label, str(value)) for label, value in labels.items())), 0.0)


def label_sets(found: Found) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(sorted(labels)) for _, labels in found}


async def test_they_are_text_for_prometheus_which_nobody_keeps(service: Service) -> None:
    answer = await service.anyone.saying(authorization=f"Bearer {TOKEN}").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("\n")


async def test_without_the_setting_they_are_nowhere() -> None:
    answer = await Service(memory_ports()).anyone.saying(authorization=f"Bearer {TOKEN}").get("/metrics")
    assert refusal(answer) == (404, "not_found")


def wrong(service: Service) -> Iterator[Caller]:
    yield service.anyone
    yield service.anyone.saying(authorization="Bearer another")
    yield service.anyone.saying(authorization=f"Bearer {TOKEN[:-1]}")
    yield service.anyone.saying(authorization=f"Bearer {TOKEN}x")
    yield service.anyone.saying(authorization=f"Basic {TOKEN}")
    yield service.anyone.saying(authorization=b"Bearer \xe4")
    yield service.anyone.saying(x_api_key=TOKEN)
    yield service.anyone.saying(cookie=f"hexkey_session={TOKEN}")


async def test_nobody_else_is_told_not_even_an_admin(service: Service) -> None:
    admin = await service.admin()
    for caller in (*wrong(service), admin, await admin.key("read")):
        answer = await caller.get("/metrics")
        assert answer.status_code == 401, caller.headers
        assert "hexkey_" not in answer.text


async def test_whoever_guesses_at_the_token_is_counted_and_whoever_has_it_is_not() -> None:
    ports = memory_ports()
    rules = replace(ports.rules, anonymous_limit=policy("3/minute"))
    service = Service(counted(replace(ports, rules=rules)), EXPOSURE)
    guesser = service.anyone.saying(authorization="Bearer another")
    assert [(await guesser.get("/metrics")).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert of(await told(service), "hexkey_limiter_decisions_total", outcome="refused") == 2


async def test_they_are_in_no_document(service: Service) -> None:
    assert "/metrics" not in (await service.anyone.get("/openapi.json")).json()["paths"]


async def test_a_request_is_counted_by_route_door_and_status(service: Service) -> None:
    ada = await service.user()
    project = await ada.project("Warehouse")
    for _ in range(3):
        assert (await ada.get(f"/v1/projects/{project['id']}")).status_code == 200
    await ada.send("HEAD", f"/v1/projects/{project['id']}")
    found = await told(service)
    assert of(found, "hexkey_http_request_seconds_count", method="GET", route="/v1/projects/{project_id}") == 3
    assert of(found, "hexkey_http_request_seconds_count", method="HEAD", route="/v1/projects/{project_id}") == 1
    assert of(found, "hexkey_http_request_seconds_sum", method="GET", route="/v1/projects/{project_id}") > 0
    assert of(found, "hexkey_http_answers_total", door="user or key", status=200) == 4
    assert of(found, "hexkey_http_answers_total", door="user or key", status=201) == 1


async def test_the_buckets_add_up(service: Service) -> None:
    for _ in range(4):
        await service.anyone.get("/health/live")
    found = await told(service)
    ends = [*map(str, BOUNDS), "+Inf"]
    name, labels = "hexkey_http_request_seconds_bucket", {"method": "GET", "route": "/health/live"}
    buckets = [of(found, name, le=end, **labels) for end in ends]
    assert buckets == sorted(buckets)
    assert buckets[-1] == of(found, "hexkey_http_request_seconds_count", **labels) == 4


async def test_a_refusal_is_counted_by_its_code(service: Service) -> None:
    await service.anyone.get("/v1/me")
    await service.anyone.saying(authorization="Bearer nonsense").get("/v1/me")
    await service.anyone.post("/v1/auth/register", email="no address", password=PASSWORD)
    await service.anyone.token(grant_type="password", username="ada@example.org", password=PASSWORD)
    await service.anyone.send("PATCH", "/v1/me/nowhere")
    await service.anyone.send("DELETE", "/health/live")
    found = await told(service)
    for code in ("unauthenticated", "invalid_credential", "invalid_grant", "not_found", "method_not_allowed"):
        assert of(found, "hexkey_http_refusals_total", code=code) == 1, code


async def test_callers_make_up_no_labels(service: Service) -> None:
    """However many paths, methods, hosts, codes and ids they think of."""
    ada = await service.user()

    async def ask(number: int) -> None:
        for method in ("GET", "POST", "DELETE", "OPTIONS", "TRACE", "HEAD", f"MADEUP{number}"):
            await ada.send(method, f"/v1/nowhere/{number}")
            await ada.send(method, f"/v1/projects/{number}")
        await ada.saying(x_request_id=f"id-{number}", host=f"evil{number}.example").get("/v1/me")
        await ada.saying(authorization=f"Bearer hk_{number}").get("/v1/me")
        await ada.post("/v1/projects", name="", **{f"member{number}": number})

    await ask(0)
    await told(service)
    before = label_sets(await told(service))
    for number in range(1, 40):
        await ask(number)
    assert label_sets(await told(service)) == before


async def fail() -> None:
    raise RuntimeError("nobody has foreseen it")


@get("/accident", opt=public())
async def accident() -> None:
    await fail()


async def test_an_accident_is_counted_and_what_is_not_well_is_named() -> None:
    broken = Service(
        memory_ports(checks={"disk": fail}, optional_checks={"redis": nothing}), EXPOSURE, handlers=[accident]
    )
    assert (await broken.anyone.get("/accident")).status_code == 500
    assert (await broken.anyone.get("/health/ready")).status_code == 503
    found = await told(broken)
    assert of(found, "hexkey_http_answers_total", door="public", status=500) == 1
    assert of(found, "hexkey_http_refusals_total", code="internal_error") == 1
    assert of(found, "hexkey_http_refusals_total", code="unavailable") == 1
    assert (of(found, "hexkey_check", name="disk"), of(found, "hexkey_check", name="redis")) == (0, 1)


async def test_lookups_decisions_and_mail_that_waits_are_told() -> None:
    ports = memory_ports()
    service = Service(counted(replace(ports, rules=replace(ports.rules, default_limit=policy("9/day")))), EXPOSURE)
    ada = await service.user()
    before = await told(service)
    for _ in range(3):
        await ada.get("/v1/me")
    await service.anyone.post("/v1/auth/register", email="waits@example.org", password=PASSWORD)
    found = await told(service)
    assert (
        of(found, "hexkey_directory_lookups_total") - of(before, "hexkey_directory_lookups_total") == 6
    )  # memory proves nothing twice
    was, now = (of(seen, "hexkey_limiter_decisions_total", outcome="admitted") for seen in (before, found))
    assert now - was == 3
    assert of(found, "hexkey_mails_waiting") >= 1
    assert of(found, "hexkey_workers") == 1


async def test_what_cannot_be_asked_is_left_out_and_the_rest_is_told() -> None:
    ports = memory_ports()

    class Away:
        def reading(self) -> Any:
            raise Unavailable("the database is away")

        def __call__(self) -> Any:
            raise Unavailable("the database is away")

    service = Service(replace(ports, uow=Away(), readings=(figure("hexkey_x", "An x.", "gauge", lambda: 7),)), EXPOSURE)
    found = await told(service)
    assert of(found, "hexkey_x") == 7
    assert ("hexkey_mails_waiting", frozenset()) not in found


async def test_no_secret_and_nobody_is_in_a_label(service: Service) -> None:
    ada = await service.user()
    robot = await ada.key("read")
    await robot.get("/v1/whoami")
    await service.anyone.get(f"/v1/{robot.secret}?token={robot.secret}")
    await service.anyone.saying(**presenting(robot.secret[:-1] + "x")).get("/v1/whoami")
    answer = await service.anyone.saying(authorization=f"Bearer {TOKEN}").get("/metrics")
    for text in (robot.secret, robot.secret[5:20], robot.id, ada.id, ada.email, ada.tokens["access_token"], TOKEN):
        assert text not in answer.text
