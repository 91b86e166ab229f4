"""What a collector is told of a request: in whose trace it was, what was done for it, and no secret."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.tracing import LAST_SECONDS, tracing
from tests.support.process import PASSWORD, Installation, Server

PARENT, TRACE = "00f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736"
FOLLOWED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@dataclass
class Collector:
    """Takes spans over HTTP, as OTLP says."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Any]:
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found

    def services(self) -> set[str]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return {
            attribute.value.string_value
            for request in requests
            for resource in request.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }

    def trace(self, trace: str) -> list[Any]:
        """All of it, once its request's own span is there, which comes last."""
        deadline = time.monotonic() + 10
        while True:
            found = [span for span in self.spans() if span.trace_id.hex() == trace]
            if any(span.parent_span_id.hex() == PARENT for span in found):
                return found
            assert time.monotonic() < deadline, [span.name for span in self.spans()]
            time.sleep(0.05)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as started:
        yield started


@pytest.fixture(scope="module")
def server(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    around = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "HEXKEY_SECRETS": secrets.token_urlsafe(48),
    }
    installed = Installation(tmp_path_factory.mktemp("traced"), around)
    installed.migrate()
    with installed.server() as started:
        yield started
        assert started.stop() == 0, started.said
        assert "Traceback" not in started.said


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


def test_a_request_is_a_span_in_the_trace_of_who_asked_and_what_was_done_for_it_is_below(
    server: Server, collector: Collector
) -> None:
    ada = server.signed_in()
    made = httpx.post(f"{server.url}/v1/projects", json={"name": "Warehouse"}, headers={**ada, **FOLLOWED})
    assert made.status_code == 201
    spans = collector.trace(TRACE)
    (root,) = [span for span in spans if span.parent_span_id.hex() == PARENT]
    assert root.name == "POST /v1/projects"
    assert attributes(root).items() >= {
        "http.request.method": "POST",
        "http.route": "/v1/projects",
        "http.response.status_code": 201,
        "hexkey.request_id": made.headers["x-request-id"],
        "hexkey.door": "user or key",
        "hexkey.actor_type": "user",
    }.items()  # fmt: skip
    by_id = {span.span_id: span for span in spans}
    assert all(span is root or span.parent_span_id in by_id for span in spans)
    (case,) = [span for span in spans if span.name == "ProjectService.create"]
    (unit,) = [span for span in spans if span.parent_span_id == case.span_id and span.name == "unit of work"]
    statements = [span for span in spans if span.parent_span_id == unit.span_id]
    texts = [attributes(span)["db.query.text"] for span in statements if span.name == "INSERT"]
    assert any("INSERT INTO projects" in text for text in texts)
    assert collector.services() == {"hexkey"}


def test_what_runs_in_the_background_is_in_no_trace(server: Server, collector: Collector) -> None:
    time.sleep(2)
    requests = {span.trace_id for span in collector.spans() if span.kind == span.SPAN_KIND_SERVER}
    assert {span.trace_id for span in collector.spans()} == requests


def test_no_secret_and_nobody_is_told(server: Server, collector: Collector) -> None:
    ada = server.signed_in()
    made = httpx.post(f"{server.url}/v1/api-keys", json={"name": "robot", "scopes": ["read"]}, headers=ada).json()
    key, trace = made["api_key"], "0af7651916cd43dd8448eb211c80319c"
    carried = {"traceparent": f"00-{trace}-{PARENT}-01", "x-request-id": key[:64], "user-agent": key}
    httpx.get(f"{server.url}/v1/projects/{key}?key={key}", headers={"x-api-key": key, **carried})
    assert httpx.get(f"{server.url}/v1/whoami", headers={"x-api-key": key}).status_code == 200
    collector.trace(trace)
    time.sleep(0.5)
    told = b"".join(collector.bodies)
    for secret in (key, key[-30:], PASSWORD, ada["authorization"][-40:], "ada@example.org"):
        assert secret.encode() not in told
    assert b"/v1/api-keys" in told


def test_a_collector_that_is_away_delays_nobody(tmp_path: Path) -> None:
    around = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    installed = Installation(tmp_path, around)
    installed.migrate()
    with installed.server() as server:
        for _ in range(20):
            began = time.monotonic()
            assert httpx.get(f"{server.url}/health/ready").status_code == 200
            assert time.monotonic() - began < 1
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < LAST_SECONDS + 3


def test_nothing_is_traced_where_no_collector_is_named() -> None:
    assert tracing({"OTEL_SERVICE_NAME": "hexkey"}) is None


def test_who_names_a_collector_without_the_extra_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    assert tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) is None
    assert "install hexkey[otel]" in caplog.text
