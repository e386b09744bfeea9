"""Which processes `mg up` makes."""

from bootstrap import units
from bootstrap.commands.up import _COMPACT, _niceness


def test_the_compact_processes_run_every_unit_once() -> None:
    chosen = [name for words in _COMPACT.values() for name in units.select(words).names]
    assert sorted(chosen) == sorted(units.every().names)


def test_who_asks_comes_before_read_models_and_those_before_search() -> None:
    found = {
        name: _niceness(name) for name in (*_COMPACT, "service-sync", "processor-embedding", "materializer-watchlist")
    }
    assert found["services"] == found["service-sync"] == 0
    assert 0 < found["processors"] == found["materializers"] == found["materializer-watchlist"]
    assert found["processors"] < found["search"] == found["processor-embedding"]
