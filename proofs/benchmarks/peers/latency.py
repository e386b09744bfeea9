"""How long an event takes to its row, at half and at four fifths of what each contender can take.

Each contender's load is a share of its own capacity, found a moment before on the same two cores. In each round ours
also gets the rate that was four fifths for each peer.
"""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, LiteralString

import psycopg
from msgspec import Struct

from proofs.benchmarks import commit_times
from proofs.benchmarks.peers.contenders import INTO_POSTGRES, Contender
from proofs.benchmarks.peers.environment import quix_python
from proofs.benchmarks.peers.open_loop import SHARES, Paced, Plan, Running
from proofs.benchmarks.peers.run import Sitting
from proofs.figures import Figure
from proofs.system import System, fresh
from runtime import settings as settings_module

ROUNDS: Final = 3
PLAN: Final = Plan(saturated=6.0, warm_up=3.0, seconds=12.0)
LOADS: Final = {"50 %": 0.5, "80 %": 0.8}
_MOST: Final = "80 %"
_TOO_SLOW: Final = "Faust, one upsert an event"
# Its sink writes when the application commits: every 5 s by default, which would be all that is seen.
_QUICK_QUIX: Final = Contender("Quix Streams, PostgreSQL sink every 0.1 s", "peer", "quix", ("sink", "0.1"))
CONTENDERS: Final = tuple(
    _QUICK_QUIX if one.module == "quix" else one
    for one in INTO_POSTGRES
    if one.kind != "limit" and one.name != _TOO_SLOW
)


class Visit(Struct, frozen=True):
    """One contender in one round. `loads` by their share of its capacity."""

    start_seconds: float
    capacity: float
    loads: dict[str, Paced]


class Found(Struct, frozen=True):
    """By contender, each of every round. `ours_at`: ours at the rate that was this peer's 80 % in the same round."""

    visits: dict[str, list[Visit]]
    ours_at: dict[str, list[Paced]]


def peers_latency() -> list[Figure]:
    home = settings_module.home_from()
    # `service:sync` only because a system wants a unit; nobody asks it anything.
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        return measure(system, quix_python(home), CONTENDERS, ROUNDS, PLAN)


def measure(system: System, quix: Path, contenders: Sequence[Contender], rounds: int, plan: Plan) -> list[Figure]:
    commit_times.stamp(system)
    superuser = commit_times.superuser(system)
    sitting = Sitting(system, 0, quix)
    ours = next(one for one in contenders if one.kind == "ours")
    peers = [one.name for one in contenders if one.kind == "peer"]
    found = Found({one.name: [] for one in contenders}, {name: [] for name in peers})
    with Running(sitting, ours, plan) as running:
        running.saturate()  # not counted: else the first contender pays for a broker that has just started
    for _ in range(rounds):
        for contender in contenders:
            _ask(superuser, "CHECKPOINT")  # else it comes in the middle of somebody's load
            with Running(sitting, contender, plan) as running:
                capacity = running.saturate()
                loads = {name: running.paced(share * capacity) for name, share in LOADS.items()}
                found.visits[contender.name].append(Visit(running.start_seconds, capacity, loads))
        if peers:
            _ask(superuser, "CHECKPOINT")
            with Running(sitting, ours, plan) as running:
                for name in peers:
                    found.ours_at[name].append(running.paced(found.visits[name][-1].loads[_MOST].rate))
    return figures(contenders, found)


def _ask(dsn: str, statement: LiteralString) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def figures(contenders: Sequence[Contender], found: Found) -> list[Figure]:
    every = [figure for one in contenders for figure in _of(one.name, found.visits[one.name])]
    late = [paced.late for visits in found.visits.values() for visit in visits for paced in visit.loads.values()]
    every.append(Figure.information("sent later than due, p99 of the worst load", 1000 * max(late), "ms", len(late)))
    return [*every, *_compared(contenders, found)]


def _of(name: str, visits: Sequence[Visit]) -> list[Figure]:
    def median(of: Callable[[Visit], float]) -> float:
        return statistics.median(of(visit) for visit in visits)

    most = max(paced.rss for visit in visits for paced in visit.loads.values())
    lines = [
        Figure.information(f"{name}: from start to the first row", median(lambda v: v.start_seconds), "s", len(visits)),
        Figure.information(f"{name}: capacity", median(lambda v: v.capacity), "events/s", len(visits)),
    ]
    for load in LOADS:
        lines += _percentiles(f"{name}: {load}", [visit.loads[load] for visit in visits])
        cpu = statistics.median(visit.loads[load].cpu for visit in visits)
        lines.append(Figure.information(f"{name}: {load}, CPU", cpu, "s a million", len(visits)))
    lines.append(Figure.information(f"{name}: memory, most", most / 1_048_576, "MB", len(visits)))
    return lines


def _percentiles(name: str, loads: Sequence[Paced]) -> list[Figure]:
    """Of each round, from all of its events; then the median of the rounds."""
    samples = sum(len(one.latencies) for one in loads)
    rounds = [one.percentiles() for one in loads]
    return [
        Figure.information(f"{name}, {each}", 1000 * statistics.median(one[each] for one in rounds), "ms", samples)
        for each in SHARES
    ]


def _p99(loads: Sequence[Paced]) -> float:
    return statistics.median(one.percentiles()["p99"] for one in loads)


def _compared(contenders: Sequence[Contender], found: Found) -> list[Figure]:
    p99 = {one.name: _p99([visit.loads[_MOST] for visit in found.visits[one.name]]) for one in contenders}
    ours = next(one.name for one in contenders if one.kind == "ours")
    lines = []
    for name, loads in found.ours_at.items():
        rate = statistics.median(one.rate for one in loads)
        at = f"{ours} at {rate:,.0f} events/s, {_MOST} of {name}"
        lines += _percentiles(at, loads)
        lines.append(
            Figure.information(f"the same rate, p99: {ours} to {name}", _p99(loads) / p99[name], "×", len(loads))
        )
    if found.ours_at:
        best = min(found.ours_at, key=p99.__getitem__)
        ratio, rounds = p99[ours] / p99[best], len(found.visits[ours])
        lines.append(Figure.against(f"{_MOST} of each, p99: {ours} to {best}", ratio, "×", "≤", 1.0, rounds))
    return lines
