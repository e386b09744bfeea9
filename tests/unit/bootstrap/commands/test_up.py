"""Which processes `mg up` makes."""

from bootstrap import units
from bootstrap.commands.up import _COMPACT


def test_the_compact_processes_run_every_unit_once() -> None:
    chosen = [name for words in _COMPACT.values() for name in units.select(words).names]
    assert sorted(chosen) == sorted(units.every().names)
