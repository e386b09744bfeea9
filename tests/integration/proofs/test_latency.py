"""A second of open-loop load on two contenders: every event is found again, with a commit behind its due time."""

import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from proofs.benchmarks.peers import latency, traffic
from proofs.benchmarks.peers.open_loop import SHARES, Plan, Running
from proofs.system import fresh
from runtime.settings import home_from

# Quix needs an environment of its own, which is installed from outside.
FEW = latency.CONTENDERS[:2]
PLAN = Plan(saturated=0.5, warm_up=0.5, seconds=1.0)


@pytest.fixture
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="mg-latency-"))
    found.chmod(0o755)  # root starts PostgreSQL as somebody else, who has to get there
    yield found
    shutil.rmtree(found, ignore_errors=True)


def test_a_second_of_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[float] = []
    drained = Running._drain

    def looking(running: Running) -> None:
        drained(running)
        with psycopg.connect(running._job.postgres_dsn) as connection:
            size = connection.execute(f"SELECT pg_relation_size('{running._job.table}') / 8192").fetchone()
        assert size is not None
        sizes.append(running._sent / size[0])

    monkeypatch.setattr(Running, "_drain", looking)
    with fresh(folder, home_from(), only=("service:sync",)) as system:
        found = latency.measure(system, Path(), FEW, 1, PLAN)
    figures = {one.name: one for one in found}
    for contender in FEW:
        assert figures[f"{contender.name}: capacity"].value > 100
        for load in latency.LOADS:
            percentiles = [figures[f"{contender.name}: {load}, {each}"].value for each in SHARES]
            assert percentiles == sorted(percentiles)
            assert 0 < percentiles[0] < percentiles[-1] < 60_000, percentiles
            assert figures[f"{contender.name}: {load}, p50"].samples > 50
        assert figures[f"{contender.name}: memory, most"].value > 10
    assert not any(math.isnan(one.value) for one in found)
    assert sizes[-1] == pytest.approx(traffic.ROWS_A_PAGE, abs=1.5)
