"""Trace context travels whether or not spans are exported; where they are, batches link to their events."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime import tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Exported spans; the process's own provider stays as it is."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def test_an_empty_endpoint_leaves_tracing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("nothing may be exported")

    monkeypatch.setattr(trace, "set_tracer_provider", refuse)
    tracing.configure("", "test")


def test_the_header_among_others() -> None:
    assert tracing.traceparent_of([("a", b"1"), ("traceparent", b"2"), ("traceparent", b"3")]) == b"2"
    assert tracing.traceparent_of([]) is None


def test_without_export_the_callers_context_is_passed_on_as_it_came() -> None:
    with tracing.request_span("POST", PARENT):
        assert tracing.current_traceparent() == PARENT
    assert tracing.current_traceparent() is None


@pytest.mark.parametrize("header", [None, "", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_no_or_a_bad_header_starts_nothing(header: str | None) -> None:
    with tracing.request_span("POST", header):
        assert tracing.current_traceparent() is None


def test_a_request_continues_the_callers_trace(spans: InMemorySpanExporter) -> None:
    with tracing.request_span("POST /v1", PARENT):
        here = tracing.current_traceparent()
    assert here is not None
    assert here.split("-")[1] == TRACE
    assert here != PARENT
    (span,) = spans.get_finished_spans()
    assert span.name == "POST /v1"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"


def test_a_batch_links_to_the_traces_of_its_events(spans: InMemorySpanExporter) -> None:
    with tracing.batch_span("availability", [PARENT.encode(), None, b"nonsense", b"\xff\xfe"]):
        pass
    (span,) = spans.get_finished_spans()
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]


def test_a_large_batch_has_few_links(spans: InMemorySpanExporter) -> None:
    with tracing.batch_span("availability", [PARENT.encode()] * 5000):
        pass
    assert len(spans.get_finished_spans()[0].links) == 64
