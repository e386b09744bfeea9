"""Which processes `mg up` makes, and how long it stays."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click import BadParameter

from bootstrap import units
from bootstrap.commands import up
from bootstrap.commands.up import _COMPACT, _niceness
from bootstrap.supervisor import Supervisor


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


def test_it_ends_with_the_process_that_needs_it(tmp_path: Path) -> None:
    looks = 0
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as starter:

        class Looking(Supervisor):
            def tick(self) -> None:
                nonlocal looks
                looks += 1
                if looks == 2:
                    starter.kill()  # and nobody has waited for it: a zombie

        up._watch(Looking([], tmp_path, print), [], log_json=False, needed=psutil.Process(starter.pid))
    assert looks >= 2


def test_a_process_that_is_not_there_is_refused() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with pytest.raises(BadParameter, match="there is no process"):
        up._process(gone.pid)


def test_without_one_it_stays() -> None:
    assert up._process(None) is None
    assert not up._has_ended(None)
