"""One minute of load in figures, and as a line."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from bootstrap.lag import Lag
from proofs.benchmarks.load import percentile
from proofs.load.plan import KINDS
from proofs.load.requests import BROKEN, TIMED_OUT, Answer

_NAMES = {BROKEN: "broken", TIMED_OUT: "no answer"}


class Summary(Struct, frozen=True):
    """Of the requests of one kind; times in milliseconds. `errors` counts them by status."""

    requests: int
    size: int
    errors: dict[str, int]
    p50: float
    p95: float
    p99: float

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


class Minute(Struct, frozen=True):
    """`at`: seconds from the beginning to its end. `memory` in bytes by process; `lag` is the consumer's that was
    furthest behind, in seconds, and `behind` the events of all."""

    at: float
    kinds: dict[str, Summary]
    behind: int
    lag: float
    furthest: str
    memory: dict[str, int]


def summary(answers: Sequence[Answer]) -> Summary:
    times = [1000 * answer.seconds for answer in answers]
    p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
    errors = Counter(_NAMES.get(answer.status, str(answer.status)) for answer in answers if not answer.good)
    return Summary(len(answers), sum(answer.size for answer in answers), dict(sorted(errors.items())), p50, p95, p99)


def by(name: Callable[[Answer], str], answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(name(answer), []).append(answer)
    return found


def minute(at: float, answers: Sequence[Answer], lags: Sequence[Lag], memory: dict[str, int]) -> Minute:
    grouped = by(lambda answer: answer.kind, answers)
    furthest = max(lags, key=lambda each: each.seconds, default=None)
    return Minute(
        at=at,
        kinds={kind: summary(grouped.get(kind, [])) for kind in KINDS},
        behind=sum(each.events for each in lags),
        lag=furthest.seconds if furthest else 0.0,
        furthest=furthest.consumer if furthest else "",
        memory=memory,
    )


def line(found: Minute) -> str:
    parts = [f"{found.at / 60:5.1f} min"]
    for kind, one in found.kinds.items():
        wrong = ", ".join(f"{count} × {name}" for name, count in one.errors.items()) or "0 errors"
        parts.append(f"{kind} {one.requests} ({one.size}), {wrong}, {one.p50:.0f}/{one.p95:.0f}/{one.p99:.0f} ms")
    parts.append(f"lag {found.behind} events, {found.lag:.1f} s{f' ({found.furthest})' if found.lag else ''}")
    parts.append(f"{sum(found.memory.values()) / 1_048_576:.0f} MB")
    return " | ".join(parts)
