"""Trace context across HTTP and Kafka (W3C Trace Context). Spans are exported only when an endpoint is configured.

Without an endpoint the context still travels: the `traceparent` of a request ends up in the headers of its events and
of everything derived from them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_MOST_LINKS = 64  # a batch of thousands would make a span that no collector takes


def configure(endpoint: str, process: str) -> None:
    """Exports spans to an OTLP/HTTP endpoint; an empty endpoint leaves tracing off."""
    if not endpoint:
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"media-gateway-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


def traceparent_of(headers: Iterable[tuple[str, bytes]]) -> bytes | None:
    return next((value for name, value in headers if name == TRACEPARENT), None)


def current_traceparent() -> str | None:
    """The header of the running span, if one is recording or was received."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(TRACEPARENT)


@contextmanager
def request_span(name: str, traceparent: str | None) -> Iterator[None]:
    """A span that continues the caller's trace."""
    if not traceparent and isinstance(trace.get_tracer("media_gateway"), trace.ProxyTracer):
        # Nothing came and nothing is exported: a span that records nothing would still cost a tenth of a small request.
        yield
        return
    context = _PROPAGATOR.extract({TRACEPARENT: traceparent} if traceparent else {})
    with trace.get_tracer("media_gateway").start_as_current_span(name, context=context):
        yield


@contextmanager
def batch_span(name: str, parents: Iterable[bytes | None]) -> Iterator[None]:
    """One span for a batch, linked to the traces of its events."""
    tracer = trace.get_tracer("media_gateway")
    links = []
    for parent in parents:
        if parent is None:
            continue
        found = trace.get_current_span(_PROPAGATOR.extract({TRACEPARENT: parent.decode("ascii", "replace")}))
        if found.get_span_context().is_valid:
            links.append(trace.Link(found.get_span_context()))
        if len(links) == _MOST_LINKS:
            break
    with tracer.start_as_current_span(name, links=links):
        yield
