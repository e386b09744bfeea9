"""The disk of the stack fills up in the middle of an import: said plainly, and nothing that was accepted is lost."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from devstack.errors import StackError
from proofs.system import System, fresh, wait_until
from runtime.settings import home_from
from tests.faults.catalog import Catalog, write_catalog
from tests.faults.running import DELIVERIES, Scenario

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

_MEGABYTES = 900  # room for the four backends and the import, and little to fill up


@pytest.fixture(scope="module")
def small_disk(run_folder: Path) -> Iterator[Path]:
    folder = run_folder / "disk"
    folder.mkdir()
    options = f"size={_MEGABYTES}m,mode=711"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def system(small_disk: Path) -> Iterator[System]:
    with fresh(small_disk, home_from()) as running:
        yield running


@pytest.fixture(scope="module")
def catalog(system: System, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return write_catalog(tmp_path_factory.mktemp("catalog"), system.home)


def fill(folder: Path) -> Path:
    """Takes every free byte."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096):  # others write meanwhile, so the last bytes are taken in small pieces
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return filler


def test_a_full_disk_loses_nothing(system: System, catalog: Catalog) -> None:
    undisturbed = Scenario(system, catalog)
    undisturbed.start()
    expected = undisturbed.check()

    scenario = Scenario(system, catalog, expected)
    scenario.start(rate=150)
    scenario.until_busy(DELIVERIES)
    filler = fill(system.home)

    def a_backend_ended() -> bool:
        return any(one.state == "stopped" for one in system.stack.status())

    wait_until(a_backend_ended, 60, "a backend that needs the disk ends")
    victims = [one.name for one in system.stack.status() if one.state == "stopped"]
    with pytest.raises(StackError, match=r"disk") as refused:
        system.stack.start(victims[0])
    assert "\n" not in str(refused.value)
    filler.unlink()
    for name in system.stack.names:
        system.stack.start(name)
    scenario.check()
