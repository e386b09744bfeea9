import re

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics

DECLARED = {name: found for name, found in vars(metrics).items() if isinstance(found, MetricWrapperBase)}


@pytest.mark.parametrize("metric", DECLARED.values(), ids=DECLARED)
def test_names_tell_side_and_unit(metric: MetricWrapperBase) -> None:
    (family,) = metric.describe()
    assert re.fullmatch(r"mg_[a-z]+(_[a-z]+)+", family.name)
    assert family.documentation
    if isinstance(metric, Histogram):
        assert family.name.endswith(("_seconds", "_events"))
    if isinstance(metric, Gauge):
        assert not family.name.endswith("_total")


def test_no_label_can_hold_a_path_an_id_or_a_secret() -> None:
    labels = {label for metric in DECLARED.values() for label in metric._labelnames}
    assert labels <= {
        "unit", "outcome", "reason", "kind", "client", "service", "method", "route", "status", "provider", "action",
        "problem", "leg", "type", "ending", "transport", "cause", "stream",
        "subscriber",
    }  # fmt: skip


def test_rendering_is_the_text_format() -> None:
    registry = CollectorRegistry()
    Counter("mg_test_things", "Things.", ["unit"], registry=registry).labels("a").inc(2)
    text = metrics.render(registry).decode()
    assert "# TYPE mg_test_things_total counter" in text
    assert 'mg_test_things_total{unit="a"} 2.0' in text
    assert b"mg_stream_events_total" in metrics.render()
