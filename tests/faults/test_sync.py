"""Do all devices of a person agree, whatever the network, the clocks and the machine do? (docs/sync.md)

`pytest tests/faults -k sync` prints what was done and what was found. The short run is part of `make test`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.convergence.plan import Scale
from proofs.convergence.run import NEEDED, VICTIMS, Outcome, converge
from proofs.system import System, fresh
from runtime.settings import home_from

pytestmark = [pytest.mark.backends, pytest.mark.slow]

FULL = Scale(
    users=10,
    devices=50,
    operations=200_000,
    client_processes=4,
    titles=100,
    rate=500,
    client_kills=30,
    unit_kills=30,
)
SHORT = Scale(
    users=5,
    devices=20,
    operations=10_000,
    client_processes=2,
    titles=50,
    rate=400,
    client_kills=3,
    unit_kills=5,
    seed=2,
)
MUTATIONS = Path(__file__).with_name("mutations")


@pytest.fixture(scope="module")
def by_arrival(run_folder: Path) -> Iterator[System]:
    """A system whose every process takes the later arrival for the newer position (mutations/sitecustomize.py)."""
    with fresh(run_folder / "by-arrival", home_from(), only=NEEDED, python_path=MUTATIONS) as running:
        yield running


def tell(outcome: Outcome, scale: Scale, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{scale.users} people × {scale.devices} devices", *outcome.lines(), sep="\n")  # noqa: T201 - the report


def require_agreement(outcome: Outcome, scale: Scale) -> None:
    assert outcome.divergences == []
    assert outcome.violations == []
    assert outcome.operations >= scale.operations
    assert outcome.distinct >= 0.7 * scale.operations
    assert outcome.faults["repeated"] > 0
    assert outcome.faults["late"] > 0
    assert outcome.client_kills >= 0.5 * scale.client_kills
    assert sum(outcome.unit_kills.values()) >= 0.5 * scale.unit_kills
    assert outcome.reads > 0


@pytest.mark.timeout(900)
def test_short_run_of_devices_that_agree(viewing_system: System, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = converge(viewing_system, SHORT)
    tell(outcome, SHORT, capsys)
    require_agreement(outcome, SHORT)


@pytest.mark.timeout(7200)
def test_all_devices_agree(viewing_system: System, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = converge(viewing_system, FULL)
    tell(outcome, FULL, capsys)
    require_agreement(outcome, FULL)
    assert set(outcome.unit_kills) == set(VICTIMS)


@pytest.mark.timeout(900)
def test_comparing_by_arrival_instead_of_clocks_is_found_out(
    by_arrival: System, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same run, the same checks, one law broken in the system: it must not pass."""
    outcome = converge(by_arrival, SHORT)
    tell(outcome, SHORT, capsys)
    assert any("answers against operations" in line for line in outcome.divergences)
    assert any("went back" in line for line in outcome.violations)
