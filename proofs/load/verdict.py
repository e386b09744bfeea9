"""What an evening must keep to. Pure."""

from collections.abc import Sequence
from statistics import linear_regression
from typing import Final

from msgspec import Struct

from proofs.benchmarks.load import percentile
from proofs.figures import Figure
from proofs.load.minutes import Minute, by, summary
from proofs.load.requests import Answer

WARM_MINUTES: Final = 3.0
"""Memory is compared with what it was then: caches and pools are full."""
LEAST_MINUTES: Final = 10.0
"""Of a shorter run the growth of memory is told and not judged."""
_GROWTH: Final = 5.0
_CATCH_UP_SECONDS: Final = 30.0
_MEMORY_OF_OPERATIONS: Final = "redis"
"""Remembers every operation id for days, by design: its growth is told a remembered id, not as a share."""
_BYTES_AN_ID: Final = 64
_MB: Final = 1_048_576


class Growth(Struct, frozen=True):
    """`share` in per cent from the first to the last value; `slope` of the line through all of them, a minute."""

    share: float
    slope: float


def growth(values: Sequence[tuple[float, float]]) -> Growth:
    """Of `(minute, value)`, two at least; nothing is known from fewer (NaN)."""
    if len(values) < 2:
        return Growth(float("nan"), float("nan"))
    times, sizes = zip(*values, strict=True)
    return Growth(100 * (sizes[-1] / sizes[0] - 1), linear_regression(times, sizes).slope)


def figures(answers: Sequence[Answer], minutes: Sequence[Minute], caught_up: float) -> list[Figure]:
    """`caught_up`: seconds from the last answer until every consumer had read everything; NaN when that never was."""
    found: list[Figure] = []
    seconds = minutes[-1].at
    for kind, some in by(lambda answer: answer.kind, answers).items():
        of_kind = summary(some)
        found.append(Figure.information(f"{kind}, things a second", of_kind.size / seconds, "/s", of_kind.requests))
        found.append(Figure.against(f"{kind}, errors", of_kind.failed, "requests", "≤", 0, of_kind.requests))
        times = {"p50": of_kind.p50, "p95": of_kind.p95, "p99": of_kind.p99}
        found += [Figure.information(f"{kind}, {name}", ms, "ms", of_kind.requests) for name, ms in times.items()]
    questions = [answer for answer in answers if answer.kind == "queries"]
    for what, some in sorted(by(lambda answer: answer.what, questions).items()):
        found.append(Figure.information(f"query {what}, p95", summary(some).p95, "ms", len(some)))
    late = 1000 * percentile([answer.late for answer in answers], 0.99)
    found.append(Figure.information("sent later than due, p99", late, "ms", len(answers)))
    found += _lag(minutes, caught_up)
    found += _memory(minutes, sum(a.size for a in answers if a.good and a.kind in {"playback", "mutations"}))
    return found


def _lag(minutes: Sequence[Minute], caught_up: float) -> list[Figure]:
    worst, last = max(each.lag for each in minutes), minutes[-1]
    return [
        Figure.information("largest lag at a minute's end", worst, "s", len(minutes)),
        Figure.information("lag when the load ends", last.lag, "s", 1),
        Figure.information("events behind when the load ends", last.behind, "events", 1),
        Figure.against("until every consumer has everything", caught_up, "s", "≤", _CATCH_UP_SECONDS, 1),
    ]


def _memory(minutes: Sequence[Minute], remembered: int) -> list[Figure]:
    ours = [(one.at / 60, _without_ids(one.memory)) for one in minutes]
    warm = [each for each in ours if each[0] >= WARM_MINUTES - 0.01]
    whole = ours[-1][0] >= LEAST_MINUTES - 0.01
    found = growth(warm if whole else ours)
    since = f"from minute {WARM_MINUTES:.0f} on" if whole else "of a run too short to judge it"
    name, samples = f"memory growth {since}", len(warm if whole else ours)
    ids = [one.memory.get(_MEMORY_OF_OPERATIONS, 0) for one in minutes]
    grown = Figure.against(name, found.share, "%", "≤", _GROWTH, samples)
    told = Figure.information(name, found.share, "%", samples)
    an_id = (ids[-1] - ids[0]) / max(remembered * (1 - minutes[0].at / minutes[-1].at), 1)
    of_an_id = "memory for an operation id that Valkey keeps"
    return [
        Figure.information("memory of our processes at the end", sum(minutes[-1].memory.values()) / _MB, "MB", 1),
        grown if whole else told,
        Figure.information(f"memory slope {since}", found.slope / _MB, "MB/min", samples),
        Figure.against(of_an_id, an_id, "bytes", "≤", _BYTES_AN_ID, remembered)
        if whole
        else Figure.information(of_an_id, an_id, "bytes", remembered),
    ]


def _without_ids(memory: dict[str, int]) -> int:
    return sum(size for name, size in memory.items() if name != _MEMORY_OF_OPERATIONS)
