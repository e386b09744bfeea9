import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import terminal

ODD = ["[rec]", "[/b]", "[link=http://x]y[/link]", ":smile:", "[Errno 111] refused", "Amélie\\", "[red]"]


@pytest.mark.parametrize("text", ODD)
def test_a_table_shows_text_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(("title", "year"), [(text, "1999")], title="a title")
    shown = capsys.readouterr().out
    assert text in shown
    assert "1999" in shown
    assert "a title" in shown


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("[/b] working")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "[/b] working\n")


@pytest.mark.parametrize(("size", "text"), [(0, ""), (1_048_576, "1 MB"), (157_286_400, "150 MB")])
def test_megabytes(size: int, text: str) -> None:
    assert terminal.megabytes(size) == text


def test_a_line_for_which_the_disk_has_no_room_ends_nobody() -> None:
    program = "from bootstrap.terminal import say; say('x'); say('y'); import os; os._exit(7)"
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([sys.executable, "-c", program], stderr=full, check=False).returncode == 7
    program = "import os; from bootstrap.terminal import say; os.close(2); say('x'); os._exit(7)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode != 7
