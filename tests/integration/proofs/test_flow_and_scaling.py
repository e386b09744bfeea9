"""A few events through what the benchmarks measure: everything arrives, and every figure is one."""

import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.benchmarks import commit_times, flow, scaling
from proofs.figures import Figure
from proofs.system import System, fresh
from runtime.settings import home_from


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    folder = Path(tempfile.mkdtemp(prefix="mg-flow-"))
    folder.chmod(0o755)  # root starts PostgreSQL as somebody else, who has to get there
    try:
        with fresh(folder, home_from(), only=flow.UNITS) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_event_of_a_few_seconds_becomes_a_row_in_time(system: System) -> None:
    commit_times.stamp(system)
    found = _named(flow.measure(system, rate=50, warm_seconds=1, seconds=2))
    assert found["rows missing"].value == 0
    assert found["event due → row committed, p50"].samples == 100
    assert 0 < found["event due → row committed, p50"].value < 60_000
    assert found["a flush of PostgreSQL's log, mean"].value > 0


def test_two_processes_share_what_one_did_alone(system: System) -> None:
    found = _named(scaling.measure(system, 4_000, 1, (1, 2)))
    assert found["1 process, a partition each"].value > 0
    assert found["2 processes to 1"].value > 0
    assert found["2 processes: CPU of ours"].value > 0


def _named(figures: list[Figure]) -> dict[str, Figure]:
    assert not any(math.isnan(figure.value) for figure in figures)
    return {figure.name: figure for figure in figures}
