"""Three times what the edges can take. They must refuse the rest politely, keep what they accepted, and be well soon
after it stops."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from proofs.benchmarks.load import percentile
from proofs.figures import Figure
from proofs.ledger import checker
from proofs.ledger.evidence import Evidence
from proofs.ledger.gathering import gather
from proofs.load import settling
from proofs.load.minutes import Summary, by, summary
from proofs.load.people import EDITS
from proofs.load.plan import SMALL, mixture, sends
from proofs.load.requests import BROKEN, TIMED_OUT, Answer
from proofs.load.traffic import Traffic
from proofs.system import System, fresh

FACTOR: Final = 3.0
SECONDS: Final = 60.0
RECOVERY_SECONDS: Final = 60.0
_CALLERS, _CALIBRATION_SECONDS = 64, 10.0
_GENTLE: Final = 0.2
_GENTLE_SECONDS: Final = 10.0
_PROBE_SECONDS: Final = 3.0
_NORMAL: Final = 2.0
"""Latency is back when its p95 is at most so many times what it was at the same rate before."""
_CONNECTIONS: Final = 3000
_PATIENCE: Final = 240.0
_OF_QUEUES: Final = "out of order"
"""Of the checker's classes: people here send the next before the last is answered, so their order is not promised."""
Log = Callable[[str], None]


class Measured(Struct):
    """What the run saw. Rates in requests a second; `latency_back` and `lag_back` in seconds after the overload, NaN
    when it never was."""

    capacity: float
    before: Summary
    overload: list[Answer]
    seconds: float
    latency_back: float
    lag_back: float
    acknowledged: int
    findings: list[checker.Finding]


def run(home: Path, seed: int, log: Log) -> list[Figure]:
    """On a system of its own. Raises SystemFailed when it does not start, or refuses the first films."""
    with fresh(home / "load", home) as system:
        return figures(asyncio.run(_run(system, seed, log)))


async def _run(system: System, seed: int, log: Log) -> Measured:
    traffic = Traffic(system, seed, connections=_CONNECTIONS, edits=EDITS, track=True)
    usual = sum(flow.requests for flow in SMALL)
    try:
        await traffic.list_films()
        await traffic.saturate(mixture(SMALL, seed), _CALLERS, _CALIBRATION_SECONDS)
        capacity = sum(answer.good for answer in traffic.taken()) / _CALIBRATION_SECONDS
        log(f"the edges take {capacity:.0f} requests/s from {_CALLERS} callers")
        await asyncio.to_thread(settling.caught_up, system, _PATIENCE)
        gentle = [flow.times(_GENTLE * capacity / usual) for flow in SMALL]
        await traffic.follow(sends(gentle, _GENTLE_SECONDS, seed + 1))
        before = summary(traffic.taken())
        log(f"at {_GENTLE:.0%} of that p95 is {before.p95:.0f} ms; now {FACTOR:g} times as many for {SECONDS:g} s")
        began = time.monotonic()
        await traffic.follow(sends([flow.times(FACTOR * capacity / usual) for flow in SMALL], SECONDS, seed + 2))
        seconds, answers = time.monotonic() - began, traffic.taken()
        for kind, some in by(lambda answer: answer.kind, answers).items():
            log(f"{kind}: {dict(Counter(answer.status for answer in some))}")
        ended = time.monotonic()
        lag = asyncio.create_task(asyncio.to_thread(settling.reached, system, _PATIENCE))
        latency_back = float("nan")
        probe = 0
        while time.monotonic() - ended < RECOVERY_SECONDS:
            probe += 1
            await traffic.follow(sends(gentle, _PROBE_SECONDS, seed + 2 + probe))
            if _normal(summary(traffic.taken()), before):
                latency_back = time.monotonic() - ended
                break
        lag_back = await lag
        log(f"latency back after {latency_back:.1f} s, lag after {lag_back:.1f} s; now everything is compared")
    finally:
        await traffic.close()
    evidence = Evidence(seed=seed, seconds=SECONDS, posted=traffic.posted)
    await asyncio.to_thread(settling.caught_up, system, _PATIENCE)
    gather(system, evidence)
    # The checker knows sessions that ended; here people are in the middle of theirs.
    ended_only = [row for row in evidence.rows["playback_history"] if row["reason"] is not None]
    evidence.rows["playback_history"] = ended_only
    findings = [finding for finding in checker.judge(evidence) if finding.kind != _OF_QUEUES]
    for finding in findings[:20]:
        log(f"{finding.kind}: {finding.what}")
    acknowledged = sum(event.acknowledged for event in traffic.posted)
    return Measured(capacity, before, answers, seconds, latency_back, lag_back, acknowledged, findings)


def _normal(now: Summary, before: Summary) -> bool:
    return not now.failed and now.p95 <= _NORMAL * before.p95


def figures(found: Measured) -> list[Figure]:
    answers, total = found.overload, len(found.overload)
    good, refused = [a for a in answers if a.good], [a for a in answers if a.refused]
    other = Counter(a.status for a in answers if not a.good and not a.refused)
    offered = total / found.seconds
    made = [
        Figure.information("capacity of the edges", found.capacity, "requests/s", 1),
        Figure.information("p95 at a fifth of it, before", found.before.p95, "ms", found.before.requests),
        Figure.against("offered, of the capacity", offered / found.capacity, "times", "≥", FACTOR * 0.9, total),
        Figure.information("sent later than due, p95", 1000 * percentile([a.late for a in answers], 0.95), "ms", total),
        Figure.information("accepted during the overload", len(good) / found.seconds, "requests/s", len(good)),
        Figure.information("p95 of what was accepted", summary(good).p95, "ms", len(good)),
        Figure.against("refused with Retry-After", len(refused), "requests", "≥", 1, total),
        Figure.information("p95 of refusals", summary(refused).p95, "ms", len(refused)),
        Figure.against("connections broken", other.pop(BROKEN, 0), "requests", "≤", 0, total),
        Figure.against("without an answer", other.pop(TIMED_OUT, 0), "requests", "≤", 0, total),
        Figure.against("answers of any other kind", other.total(), "requests", "≤", 0, total),
        Figure.against("latency back to normal", found.latency_back, "s", "≤", RECOVERY_SECONDS, 1),
        Figure.against("lag of the overload worked off", found.lag_back, "s", "≤", RECOVERY_SECONDS, 1),
        Figure.information("events acknowledged", found.acknowledged, "events", 1),
    ]
    return made + _kept(found.findings, found.acknowledged)


def _kept(findings: Sequence[checker.Finding], acknowledged: int) -> list[Figure]:
    counts = checker.counts(findings)
    wanted = ("lost", "invented", "applied twice", "differs", "dead letter")
    return [Figure.against(kind, counts[kind], "events", "≤", 0, acknowledged) for kind in wanted]
