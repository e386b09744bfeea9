"""Who started a system for a proof or a test dies without a word: the system ends as well."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bootstrap.supervisor import running_supervisor
from devstack.stack import Stack
from proofs.system import wait_until
from runtime.settings import home_from

pytestmark = [pytest.mark.backends, pytest.mark.slow, pytest.mark.timeout(600)]

_STARTER = """
import sys, time
from pathlib import Path
from proofs.system import System
System(Path(sys.argv[1]), Path(sys.argv[2]), only=("service:ingestion",)).up()
print("up", flush=True)
time.sleep(600)
"""


def test_a_system_ends_with_who_started_it(run_folder: Path) -> None:
    home = run_folder / "abandoned"
    words = [sys.executable, "-c", _STARTER, str(home), str(home_from())]
    stack = Stack(home)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as starter:
        try:
            assert starter.stdout is not None
            assert starter.stdout.readline() == b"up\n"
            supervisor = running_supervisor(home)
            assert supervisor is not None
            running = [supervisor, *supervisor.children(recursive=True)]
            running += [psutil.Process(one.pid) for one in stack.status() if one.pid is not None]
            assert len(running) >= 7  # a unit and five backends
            starter.kill()
            wait_until(lambda: not any(process.is_running() for process in running), 90, "everything has ended")
        finally:
            starter.kill()
            stack.down()
