"""What several processes did together."""

import math

from proofs.benchmarks.peers.job import Took
from proofs.benchmarks.scaling import Round, combined, figures_of


def test_from_the_first_event_of_any_to_the_last_commit_of_any() -> None:
    early = Took(events=100, seconds=2.0, cpu_seconds=1.0, rss=0, began=50.0)
    late = Took(events=300, seconds=3.0, cpu_seconds=2.5, rss=0, began=51.0)
    idle = Took(events=0, seconds=0.0, cpu_seconds=0.0, rss=0, began=0.0)
    assert combined([early, idle, late], 1.5, 0.5) == Round(400, 4.0, 3.5, 1.5, 0.5)


def test_rates_are_medians_and_compared_with_one_process() -> None:
    def took(seconds: float) -> Round:
        return Round(events=1000, seconds=seconds, ours=seconds, postgres=seconds / 2, kafka=seconds / 4)

    found = {one.name: one for one in figures_of({1: [took(4), took(5), took(100)], 2: [took(2), took(2.5), took(3)]})}
    assert math.isclose(found["1 process, a partition each"].value, 200)
    assert math.isclose(found["2 processes, a partition each"].value, 400)
    assert math.isclose(found["2 processes to 1"].value, 2)
    assert math.isclose(found["2 processes: CPU of PostgreSQL"].value, 0.5)
    assert "1 process to 1" not in found
