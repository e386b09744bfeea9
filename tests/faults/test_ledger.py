"""The ledger on the real system keeps its word; on one that is broken on purpose it says what is wrong."""

from pathlib import Path

import pytest

from proofs.ledger import checker, run
from runtime.settings import home_from

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

_SHORT = ("kill", "poison", "postgres", "kafka", "qdrant", "lost-answers")
_BROKEN: dict[str, tuple[float, tuple[str, ...]]] = {
    "no_version_guard": (20.0, ()),
    "ack_before_write": (60.0, ("kill",)),
    "position_first": (60.0, ("kill",)),
    "notice_before_commit": (15.0, ()),
    "points_after_position": (40.0, ("qdrant",)),
}


def test_short_run_of_the_ledger(run_folder: Path) -> None:
    evidence = run.run(home_from(), run.Plan(55, _SHORT, 7), folder=run_folder / "ledger")
    assert checker.judge(evidence) == []
    assert all(each.acknowledged for each in evidence.posted)
    assert len(evidence.posted) > 500
    assert evidence.by_devices > 20
    assert evidence.device_kills > 1
    assert any(row["version"] > 1 for row in evidence.rows["title_search"])
    assert evidence.faults


def test_clocks_that_jump(run_folder: Path) -> None:
    evidence = run.run(home_from(), run.Plan(60, ("clock",), 3), folder=run_folder / "clocks")
    assert checker.judge(evidence) == []
    assert len(evidence.faults) >= 2


@pytest.mark.parametrize("name", _BROKEN)
def test_what_is_broken_on_purpose_is_found_out(run_folder: Path, name: str) -> None:
    seconds, faults = _BROKEN[name]
    evidence = run.run(home_from(), run.Plan(seconds, faults, 5), name, folder=run_folder / name)
    assert checker.judge(evidence)
