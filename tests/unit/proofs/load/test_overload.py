"""When is too much borne well: refusals that say when to come again, nothing lost, and well again soon."""

import math

import pytest

from proofs.figures import Figure, exit_code
from proofs.ledger.checker import Finding
from proofs.load import overload
from proofs.load.minutes import summary
from proofs.load.overload import Measured
from proofs.load.requests import BROKEN, TIMED_OUT, Answer


def answer(status: int, *, polite: bool = False) -> Answer:
    return Answer("playback", "playback", 0.01, status, 1, polite)


GOOD, REFUSED = [answer(202)] * 100, [answer(503, polite=True), answer(429, polite=True)] * 100


def figures(
    *more: Answer, latency: float = 3.0, lag: float = 20.0, capacity: float = 100.0, findings: tuple[Finding, ...] = ()
) -> dict[str, Figure]:
    measured = Measured(
        capacity=capacity,
        before=summary([answer(200)]),
        overload=[*GOOD, *REFUSED, *more],
        seconds=1.0,
        latency_back=latency,
        lag_back=lag,
        acknowledged=100,
        findings=list(findings),
    )
    return {figure.name: figure for figure in overload.figures(measured)}


def missed(found: dict[str, Figure]) -> set[str]:
    return {name for name, figure in found.items() if not figure.holds}


def test_all_is_well() -> None:
    assert exit_code(list(figures().values())) == 0
    assert figures()["refused with Retry-After"].value == 200


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (answer(500), "answers of any other kind"),
        (answer(503), "answers of any other kind"),
        (answer(404), "answers of any other kind"),
        (answer(BROKEN), "connections broken"),
        (answer(TIMED_OUT), "without an answer"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
def test_one_wrong_answer_is_one_too_many(wrong: Answer, name: str) -> None:
    assert missed(figures(wrong)) == {name}


@pytest.mark.parametrize("seconds", [61.0, math.nan])
def test_it_must_be_well_again_in_time(seconds: float) -> None:
    assert missed(figures(latency=seconds)) == {"latency back to normal"}
    assert missed(figures(lag=seconds)) == {"lag of the overload worked off"}


def test_a_load_that_was_none_proves_nothing() -> None:
    assert missed(figures(capacity=120.0)) == {"offered, of the capacity"}


def test_what_was_acknowledged_and_is_not_there() -> None:
    assert missed(figures(findings=(Finding("lost", "x"),))) == {"lost"}
