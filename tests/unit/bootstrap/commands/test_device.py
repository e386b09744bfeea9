"""`mg device` as a process: standard input is its own, and its file outlives it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]


def run(home: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bootstrap.cli", "device", "--user", "ann", "--name", "tv", *options]
    environment = {**os.environ, "MG_HOME": str(home)}
    return subprocess.run(
        words, cwd=ROOT, env=environment, input=text, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_script_works_offline_and_the_next_one_goes_on(tmp_path: Path) -> None:
    first = run(tmp_path, "add a\nadd b\nmove b 1", "--offline")
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr == "3 operations stay queued until tv is online again\n"
    second = run(tmp_path, "show\nquit\nadd never\n", "--offline")
    assert second.stdout.splitlines()[0] == "watchlist: 1 b, 2 a"
    assert (tmp_path / "devices" / "ann" / "tv.db").exists()


def test_a_script_that_fails_says_so_in_its_exit_code(tmp_path: Path) -> None:
    found = run(tmp_path, "remove nothing\n", "--offline")
    assert (found.returncode, found.stdout) == (1, "! 'nothing' is not on the watchlist\n")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "devices" / "ann" / "tv.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage" * 1000)
    found = run(tmp_path, "show\n", "--offline")
    assert found.returncode == 1
    assert found.stderr.startswith("mg: ")
    assert "move it away" in found.stderr
    assert found.stderr.count("\n") == 1
