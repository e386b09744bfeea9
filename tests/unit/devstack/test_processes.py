import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack import processes
from devstack.backend import Command
from devstack.errors import StackError
from devstack.record import Running

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def started(tmp_path: Path, program: str) -> Running:
    log = tmp_path / "log"
    running = processes.spawn(Command([sys.executable, "-c", program], tmp_path), log)
    while "up\n" not in log.read_text():  # the line may be written in two pieces
        assert processes.find(running) is not None
    return running


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Running]:
    running = started(tmp_path, SLEEP)
    yield running
    processes.end(running, signal.SIGKILL, 5)


def test_a_child_is_found_detached_and_logged(sleeper: Running, tmp_path: Path) -> None:
    process = processes.find(sleeper)
    assert process is not None
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    assert (tmp_path / "log").read_text() == "up\n"
    assert processes.memory(sleeper) > 1_000_000


def test_a_recycled_pid_is_not_ours_and_is_never_signalled(sleeper: Running) -> None:
    other = Running(pid=sleeper.pid, started=sleeper.started - 60)
    assert processes.find(other) is None
    assert not processes.send(other, signal.SIGKILL)
    processes.end(other, signal.SIGKILL, 1)
    assert processes.memory(other) == 0
    assert processes.find(sleeper) is not None


def test_end_is_orderly_and_leaves_no_zombie(sleeper: Running) -> None:
    processes.end(sleeper, signal.SIGTERM, 10)
    assert processes.find(sleeper) is None
    assert not psutil.pid_exists(sleeper.pid)


def test_a_process_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    running = started(tmp_path, STUBBORN)
    processes.end(running, signal.SIGTERM, 0.2)
    assert processes.find(running) is None


def test_a_stopped_process_is_ended_too(sleeper: Running) -> None:
    processes.send(sleeper, signal.SIGSTOP)
    processes.end(sleeper, signal.SIGTERM, 10)
    assert processes.find(sleeper) is None


def test_nothing_recorded_is_nothing_running() -> None:
    assert processes.find(None) is None
    assert not processes.send(None, signal.SIGTERM)


def test_a_missing_program_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cannot start /no/such/program"):
        processes.spawn(Command(["/no/such/program"], tmp_path), tmp_path / "log")


def test_a_log_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(StackError, match="set MG_HOME"):
        processes.spawn(Command([sys.executable, "-V"], tmp_path), tmp_path / "logs" / "kafka.log")
