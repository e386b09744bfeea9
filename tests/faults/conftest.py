"""A whole system for the fault tests of one module, and what an undisturbed import leaves behind in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.system import System, fresh
from runtime.settings import home_from
from tests.faults.catalog import Catalog, write_catalog
from tests.faults.running import Scenario
from tests.faults.state import State
from tests.faults.units import CATALOG, VIEWING


@pytest.fixture(scope="module")
def catalog(system: System, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return write_catalog(tmp_path_factory.mktemp("catalog"), system.home)


@pytest.fixture(scope="module")
def system(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[System]:
    """One process a unit, so that each can be killed by itself; downloads are shared with this checkout's own stack."""
    with fresh(run_folder / request.module.__name__.rpartition(".")[2], home_from(), only=CATALOG) as running:
        yield running


@pytest.fixture(scope="session")
def viewing_system(run_folder: Path) -> Iterator[System]:
    """What people's devices talk to, one process a unit. Tests share it: each brings people of its own."""
    with fresh(run_folder / "viewing", home_from(), only=VIEWING) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(system: System, catalog: Catalog) -> State:
    scenario = Scenario(system, catalog)
    scenario.start()
    return scenario.check()


@pytest.fixture
def scenario(system: System, catalog: Catalog, undisturbed: State) -> Iterator[Scenario]:
    one = Scenario(system, catalog, undisturbed)
    yield one
    one.settle()
