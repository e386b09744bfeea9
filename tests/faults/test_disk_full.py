"""The disk of the stack fills up in the middle of an import: said plainly, and nothing that was accepted is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import StackError
from proofs.small_disk import SmallDisk, why_not
from proofs.system import System, fresh, wait_until
from runtime.settings import home_from
from tests.faults.catalog import Catalog, write_catalog
from tests.faults.running import DELIVERIES, Scenario

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

_MEGABYTES = 900  # room for the four backends and the import, and little to fill up


@pytest.fixture(scope="module")
def small_disk(run_folder: Path) -> Iterator[SmallDisk]:
    if lacking := why_not():
        pytest.skip(lacking)
    with SmallDisk(run_folder / "disk", _MEGABYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
def system(small_disk: SmallDisk) -> Iterator[System]:
    with fresh(small_disk.folder, home_from()) as running:
        yield running


@pytest.fixture(scope="module")
def catalog(system: System, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return write_catalog(tmp_path_factory.mktemp("catalog"), system.home)


def test_a_full_disk_loses_nothing(system: System, small_disk: SmallDisk, catalog: Catalog) -> None:
    undisturbed = Scenario(system, catalog)
    undisturbed.start()
    expected = undisturbed.check()

    scenario = Scenario(system, catalog, expected)
    scenario.start(rate=150)
    scenario.until_busy(DELIVERIES)

    def a_backend_ended() -> bool:
        return any(one.state == "stopped" for one in system.stack.status())

    with small_disk.full():
        wait_until(a_backend_ended, 60, "a backend that needs the disk ends")
        victims = [one.name for one in system.stack.status() if one.state == "stopped"]
        with pytest.raises(StackError, match=r"disk") as refused:
            system.stack.start(victims[0])
        assert "\n" not in str(refused.value)
    for name in system.stack.names:
        system.stack.start(name)
    scenario.check()
