"""Traces for OpenTelemetry: a span for each request, each use case, each unit of work and each statement in it.

They are made where the standard environment of OpenTelemetry names a collector, and nowhere else; how many, and how
they are sent, that environment says too. No span holds a value that somebody sent but the request id, masked as in a
log.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from functools import wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.services import Services

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
CARRIED: Final = frozenset({b"traceparent", b"tracestate", b"baggage"})
LAST_SECONDS = 2.0
S = TypeVar("S")

log = logging.getLogger("hexkey")


def tracing(environ: Mapping[str, str]) -> "Tracing | None":
    """None where *environ* names no collector, or what is needed was not installed."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("a collector is named, and nothing is traced: install hexkey[otel]")
        return None
    ours = {SERVICE_VERSION: version("hexkey"), **({} if "OTEL_SERVICE_NAME" in environ else {SERVICE_NAME: "hexkey"})}
    provider = TracerProvider(resource=Resource.create(ours))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class Tracing:
    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("hexkey", version("hexkey"))

    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Any]:
        """A span for a request, in the trace that its *headers* name, as W3C writes them."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in CARRIED}
        return self._tracer.start_as_current_span(
            "request", context=extract(carried), kind=SpanKind.SERVER, record_exception=False
        )

    def span(self, name: str) -> AbstractContextManager[Any]:
        """Within the span that is under way; none where there is none, such as in what runs in the background."""
        from opentelemetry.trace import get_current_span

        if not get_current_span().get_span_context().is_valid:
            return nullcontext()
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)

    def traced(self, services: Services) -> Services:
        """The same use cases, each in a span."""
        found = {field.name: getattr(services, field.name) for field in fields(services)}
        ours = {name: part for name, part in found.items() if type(part).__module__.startswith("domain.services.")}
        return replace(services, **{name: self._traced(service) for name, service in ours.items()})

    async def stop(self) -> None:
        """What is still to be told is told, if the collector takes it in time: it is asked in a thread that holds up no
        end.
        """
        telling = threading.Thread(target=self._provider.shutdown, name="hexkey-traces", daemon=True)
        telling.start()
        await asyncio.to_thread(telling.join, LAST_SECONDS)

    def _traced(self, service: S) -> S:
        """It has what *service* has; the calls of others to its coroutines are in spans, and so are its own."""
        kind = type(service)
        methods = {
            name: self._in_a_span(f"{kind.__name__}.{name}", method)
            for name, method in inspect.getmembers(kind, inspect.iscoroutinefunction)
            if not name.startswith("_")
        }
        made: S = object.__new__(type(kind.__name__, (kind,), methods))
        made.__dict__ = service.__dict__
        return made

    def _in_a_span(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        async def spanned(*args: Any, **kwargs: Any) -> Any:
            with self.span(name):
                return await method(*args, **kwargs)

        return spanned
