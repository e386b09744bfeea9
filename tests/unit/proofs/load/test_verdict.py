"""What an evening is held to: no errors, no lag that stays, no memory that grows."""

import math

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from proofs.figures import Figure, exit_code
from proofs.load import verdict
from proofs.load.minutes import Minute, minute
from proofs.load.requests import Answer
from proofs.load.verdict import growth

MB = 1_048_576


def minutes(units: list[float], redis: list[float] | None = None) -> list[Minute]:
    """One a minute, with so many MB."""
    kept = redis or [10.0] * len(units)
    return [
        minute(60.0 * (number + 1), [], [], {"services": int(size * MB), "redis": int(ids * MB)})
        for number, (size, ids) in enumerate(zip(units, kept, strict=True))
    ]


def found(
    units: list[float], caught_up: float = 1.0, redis: list[float] | None = None, status: int = 200
) -> dict[str, Figure]:
    answers = [Answer("playback", "playback", 0.01, status, 1000), Answer("queries", "search", 0.02, 200, 1)]
    return {figure.name: figure for figure in verdict.figures(answers, minutes(units, redis), caught_up)}


def test_a_quiet_evening_holds() -> None:
    figures = found([100.0] * 12)
    assert exit_code(list(figures.values())) == 0
    assert figures["query search, p95"].value == 20
    assert figures["playback, p95"].value == 10
    assert figures["playback, things a second"].value == pytest.approx(1000 / 720)


def test_one_error_is_one_too_many() -> None:
    assert not found([100.0] * 12, status=500)["playback, errors"].holds


@pytest.mark.parametrize(("seconds", "holds"), [(0.0, True), (30.0, True), (30.1, False), (math.nan, False)])
def test_lag_must_be_worked_off(seconds: float, *, holds: bool) -> None:
    assert found([100.0] * 12, seconds)["until every consumer has everything"].holds is holds


@pytest.mark.parametrize(
    ("units", "holds"),
    [
        ([50, 80, 100, *[101] * 9], True),
        ([100, 100, 100, *[104.9] * 9], True),
        ([100, 100, 100, *[105.1] * 9], False),
        ([100, 100, 100, *[150] * 8, 100], True),
    ],
    ids=["grows while it warms up", "a little", "too much", "comes down again"],
)
def test_memory_is_compared_with_what_it_was_when_warm(units: list[float], *, holds: bool) -> None:
    assert found(units)["memory growth from minute 3 on"].holds is holds


def test_a_short_run_does_not_judge_memory() -> None:
    figures = found([100.0, 200.0])
    assert figures["memory growth of a run too short to judge it"].bar == ""
    assert figures["memory growth of a run too short to judge it"].value == pytest.approx(100)
    assert exit_code(list(figures.values())) == 0


def test_what_operation_ids_take_is_held_to_its_own_bar() -> None:
    growing = [10.0 + number for number in range(12)]
    figures = found([100.0] * 12, redis=growing)
    assert figures["memory growth from minute 3 on"].value == 0
    name = "memory for an operation id that Valkey keeps"
    assert figures[name].value == pytest.approx(11 * MB / (1000 * 11 / 12))
    assert not figures[name].holds


@trying(max_examples=50)
@given(
    start=st.floats(10, 1000), slope=st.floats(-0.5, 50), times=st.lists(st.integers(0, 300), min_size=2, unique=True)
)
def test_the_slope_of_a_line_is_its_slope(start: float, slope: float, times: list[int]) -> None:
    points = [(float(at), 200 + start + slope * at) for at in sorted(times)]
    assert growth(points).slope == pytest.approx(slope, abs=1e-6)
    assert growth(points).share == pytest.approx(100 * (points[-1][1] / points[0][1] - 1))


@pytest.mark.parametrize("points", [[], [(1.0, 5.0)]])
def test_growth_of_too_little_is_unknown(points: list[tuple[float, float]]) -> None:
    assert math.isnan(growth(points).share)
    assert math.isnan(growth(points).slope)
