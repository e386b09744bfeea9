import io
import json
import math

import pytest

from proofs import figures
from proofs.benchmarks import codec as codec_benchmark
from proofs.figures import Figure

FAST = Figure.against("decode", 250_000.0, "events/s", "≥", 100_000, 7)
SLOW = Figure.against("search p95", 61.25, "ms", "≤", 50, 3000)
SIZE = Figure.information("size", 96, "bytes", 1)


def test_bars_hold_or_not() -> None:
    assert FAST.holds
    assert not SLOW.holds
    assert Figure.against("exactly", 50, "ms", "≤", 50, 1).holds
    assert SIZE.holds


@pytest.mark.parametrize("comparison", ["≥", "≤"])
def test_nothing_measured_holds_no_bar(comparison: figures.Comparison) -> None:
    assert not Figure.against("x", math.nan, "ms", comparison, 1, 0).holds


def test_exit_code_is_zero_only_when_every_bar_holds() -> None:
    assert figures.exit_code([FAST, SIZE]) == 0
    assert figures.exit_code([FAST, SLOW]) == 1
    assert figures.exit_code([]) == 1, "a measurement that measured nothing proves nothing"


def test_json_has_the_agreed_fields() -> None:
    assert json.loads(figures.to_json([SLOW])) == [
        {"name": "search p95", "value": 61.25, "unit": "ms", "bar": "≤ 50", "holds": False, "samples": 3000}
    ]


def test_table_shows_values_and_marks_what_does_not_hold() -> None:
    out = io.StringIO()
    figures.print_table([FAST, SLOW, SIZE], "a title", out)
    decode, search, size = (
        next(line for line in out.getvalue().splitlines() if name in line) for name in ("decode", "search", "size")
    )
    assert "250,000" in decode
    assert "≥ 100,000" in decode
    assert " yes " in decode
    assert "61.25" in search
    assert " NO " in search
    assert "yes" not in size.split("│")[5]
    assert "a title" in out.getvalue()


def test_report_prints_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.report([SLOW], as_json=True) == 1
    assert json.loads(capsys.readouterr().out)[0]["name"] == "search p95"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.1236, "0.124"), (5.0, "5"), (999.5, "999.5"), (1000, "1,000"), (-2.5, "-2.5")]
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert figures.short(value) == text


def test_codec_benchmark_measures_both_directions() -> None:
    found = codec_benchmark.run(count=20)
    assert [figure.name.split(",")[0] for figure in found] == [
        "decode small event",
        "encode small event",
        "decode title event",
        "encode title event",
    ]
    assert [bool(figure.bar) for figure in found] == [True, False, False, False]
    assert all(figure.value > 0 for figure in found)
