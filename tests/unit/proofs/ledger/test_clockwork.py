"""Clocks that are set wrong: of the unit whose file says so, and of no other."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proofs.ledger.run import CLOCKWORK

ASKING = "import time; from runtime.clock import SystemClock; print(time.time(), SystemClock().now().timestamp())"


@pytest.mark.parametrize(
    ("unit", "wrong"), [("processor:playback_sessions", 7200.0), ("processor:normalization", 0), ("service:sync", 0)]
)
def test_only_the_clock_of_the_unit(tmp_path: Path, unit: str, wrong: float) -> None:
    (tmp_path / "clocks").mkdir()
    for name in ("processor-playback_sessions", "service-sync"):
        (tmp_path / "clocks" / name).write_text("7200")
    environment = {**os.environ, "PYTHONPATH": str(CLOCKWORK), "MG_HOME": str(tmp_path)}
    asked = subprocess.run(
        [sys.executable, "-c", ASKING, unit], env=environment, capture_output=True, text=True, check=True
    )
    for moment in map(float, asked.stdout.split()):
        assert abs(moment - time.time() - wrong) < 600
