"""A new unit is killed too: it belongs to one of the two halves of the fault tests."""

from bootstrap import units
from tests.faults.units import CATALOG, VIEWING


def test_every_unit_is_in_one_half() -> None:
    assert sorted((*CATALOG, *VIEWING)) == sorted(units.every().names)
