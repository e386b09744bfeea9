"""The ledger on the real system keeps its word; on one that is broken on purpose it says what is wrong."""

from pathlib import Path

import pytest

from proofs.ledger import checker, run
from proofs.ledger.evidence import UNITS
from proofs.system import fresh
from runtime.settings import home_from

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

_SHORT = ("kill", "poison", "postgres", "kafka")
_BROKEN: dict[str, tuple[float, tuple[str, ...]]] = {
    "no_version_guard": (20.0, ()),
    "ack_before_write": (60.0, ("kill",)),
    "position_first": (60.0, ("kill",)),
}


def test_short_run_of_the_ledger(run_folder: Path) -> None:
    with fresh(run_folder / "ledger", home_from(), only=UNITS) as system:
        evidence = run.drive(system, run.Plan(45, _SHORT, 7))
    assert checker.judge(evidence) == []
    assert all(each.acknowledged for each in evidence.posted)
    assert len(evidence.posted) > 500
    assert evidence.faults


@pytest.mark.parametrize("name", _BROKEN)
def test_what_is_broken_on_purpose_is_found_out(run_folder: Path, name: str) -> None:
    seconds, faults = _BROKEN[name]
    with fresh(run_folder / name, home_from(), only=UNITS, python_path=run.MUTATIONS / name) as system:
        evidence = run.drive(system, run.Plan(seconds, faults, 5))
    assert checker.judge(evidence)
