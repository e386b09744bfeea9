"""The virtual environment of Quix Streams, made once: it wants other versions than Faust."""

import subprocess
import sys
from pathlib import Path

from proofs.system import SystemFailed

REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "peers.txt"


def quix_python(home: Path) -> Path:
    """Its interpreter. Raises SystemFailed when it cannot be installed."""
    folder = home / "cache" / "peers"
    python, complete = folder / "bin" / "python", folder / ".complete"
    wanted = REQUIREMENTS.read_text()
    if complete.exists() and complete.read_text() == wanted:
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(REQUIREMENTS)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemFailed(f"Quix Streams cannot be installed: {done.stderr.strip()[-1000:]}")
    complete.write_text(wanted)
    return python
