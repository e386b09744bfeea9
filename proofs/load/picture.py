"""An evening as a picture: latency, lag and memory over its minutes."""
# ruff: noqa: PLC0415 - only who wants a picture needs the library, which is no part of the system

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proofs.load.minutes import Minute
from proofs.load.plan import KINDS
from proofs.system import SystemFailed

_MB: Final = 1_048_576


def require() -> None:
    """Raises SystemFailed without the library: before the load, not after it."""
    if importlib.util.find_spec("matplotlib") is None:
        raise SystemFailed(
            "pictures need matplotlib, of requirements/dev.txt: run `make lint` once, or leave out --picture"
        )


def draw(minutes: Sequence[Minute], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9), layout="constrained")
    FigureCanvasAgg(figure)
    latency, lag, memory = figure.subplots(3, 1, sharex=True)
    at = [each.at / 60 for each in minutes]
    for kind in KINDS:
        for share, dashes in (("p95", "-"), ("p50", ":")):
            values = [getattr(each.kinds[kind], share) for each in minutes]
            latency.plot(at, values, dashes, label=f"{kind} {share}", color=f"C{KINDS.index(kind)}")
    latency.set(ylabel="answer since due, ms", yscale="log")
    latency.legend(ncols=4, fontsize="small")
    lag.plot(at, [each.lag for each in minutes])
    lag.set(ylabel="lag of the furthest consumer, s", ylim=(0, 1.1 * max(1.0, *(each.lag for each in minutes))))
    for name in sorted({name for each in minutes for name in each.memory}):
        memory.plot(at, [each.memory.get(name, 0) / _MB for each in minutes], label=name)
    memory.plot(at, [sum(each.memory.values()) / _MB for each in minutes], "k", label="all")
    memory.set(ylabel="memory, MB", xlabel="minutes", ylim=(0, None))
    memory.legend(ncols=4, fontsize="small")
    for axes in (latency, lag, memory):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
