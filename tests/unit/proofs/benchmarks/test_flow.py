"""What is computed of the times at which events passed."""

import math

from proofs.benchmarks.flow import MOST_MS, Passage, figures_of
from proofs.figures import Figure


def _named(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


def test_each_leg_and_the_whole_way() -> None:
    passages = [Passage(100 + n, 100 + n + 0.004, 100 + n + 0.010) for n in range(9)]
    passages.append(Passage(109, 109.2, 109.201))
    found = _named(figures_of(passages, 0, 10))
    assert math.isclose(found["event due → row committed, p50"].value, 10, abs_tol=0.01)
    assert math.isclose(found["event due → row committed, most"].value, 201, abs_tol=0.01)
    assert math.isclose(found["event due → published by the processor, p50"].value, 4, abs_tol=0.01)
    assert math.isclose(found["event due → published by the processor, p95"].value, 200, abs_tol=0.01)
    assert math.isclose(found["published → row committed, p95"].value, 6, abs_tol=0.01)
    assert math.isclose(found["rows a second"].value, 9 / 9.191, abs_tol=0.01)


def test_the_bar_is_on_the_slowest_of_twenty() -> None:
    slow = Passage(0.0, 0.0, (MOST_MS + 1) / 1000)
    quick = Passage(0.0, 0.0, (MOST_MS - 1) / 1000)
    name = "event due → row committed, p95"
    assert _named(figures_of([quick] * 19 + [slow], 0, 20))[name].holds
    assert not _named(figures_of([quick] * 18 + [slow] * 2, 0, 20))[name].holds


def test_missing_rows_miss_the_bar_and_so_does_nothing_at_all() -> None:
    assert not _named(figures_of([Passage(0, 0, 0.001)], 1, 2))["rows missing"].holds
    found = _named(figures_of([], 5, 5))
    assert not found["event due → row committed, p95"].holds
    assert not found["rows missing"].holds
